/* SPDX-License-Identifier: Apache-2.0 */
/* A process that goes on where another ended, over the queue on disk: what was on its way goes out
 * again as the same batches, apart from what is newer, and their refusal loses nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>

#include "rules_maker.h"
#include "shipper_fixture.h"

static char folder[] = "/tmp/edgemeter-test-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int setup_on_disk(void **state)
{
    setup(state);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    ((struct fixture *)*state)->storage_path = folder;
    return 0;
}

static int teardown_with_disk(void **state)
{
    teardown(state);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* As kill -9 would have it: nothing more is sent, and nothing is said to the queue but what it was
 * told before. */
static void restart(struct fixture *f)
{
    shipper_free(&f->shipper);
    start(f, 1);
}

static bool has_body_of(const struct received_request *a, const struct received_request *b)
{
    return a->body.length == b->body.length &&
           memcmp(a->body.bytes, b->body.bytes, a->body.length) == 0;
}

static void test_batch_on_its_way_is_sent_again_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_TAKE, REPLY_HANG);
    start(f, 1);
    append(f, 130); /* 100 are taken, 30 are on their way after their deadline */
    f->wanted = 2;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    append(f, 500);
    restart(f);
    append(f, 45);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_int_equal(r->requests[2].samples, 30);
    assert_true(has_body_of(&r->requests[1], &r->requests[2]));
    assert_int_equal(r->requests[3].samples, 100);
}

/* As above, of a record that was taken as it was given, one sample after the other for the rule's
 * sake: where each one ends is known. */
static void test_batch_that_ends_within_what_was_just_appended(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    struct relabel_rules *rules = &f->configs[0].relabels;
    SCRIPT(r, REPLY_TAKE, REPLY_TAKE, REPLY_HANG);
    add_rule(rules, RELABEL_DROP, "n", "none", "", "$1");
    start(f, 1);
    append(f, 1);
    run_until_taken(f, 1);
    append(f, 150); /* 100 are taken, 50 are on their way after their deadline */
    f->wanted = 3;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    restart(f);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_int_equal(r->requests[3].samples, 50);
    assert_true(has_body_of(&r->requests[2], &r->requests[3]));
    shipper_free(&f->shipper);
    relabel_rules_free(rules);
}

static void test_refused_replay_loses_nothing_new(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG, 400, 400);
    start(f, 1);
    append(f, 100);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    append(f, 200);
    restart(f);
    run_until_taken(f, 100);
    run(f, 100, NULL);
    assert_taken(r, 0, 200, 300);
    assert_int_equal(
        metric_value_of(f, "edgemeter_remote_write_", "samples_replay_refused_total", ""), 100);
    assert_int_equal(counted(f, "samples_failed_total"),
                     100); /* the second 400 is one of its own */
}

/* A batch whose answer was lost, and that then was too large, goes out in parts, which the receiver
 * may have all: those not yet sent again when the process ends stay apart from newer ones, too. */
static void test_parts_of_what_was_too_large_stay_apart(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_CLOSE, 504, 413, REPLY_HANG, 400, 400);
    r->retry_after = NULL;
    start(f, 1);
    append(f, 100);
    f->wanted = 4;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    append(f, 200);
    restart(f);
    restart(f); /* and once more before anything is sent */
    run_until_taken(f, 200);
    run(f, 100, NULL);
    assert_taken(r, 0, 100, 300);
    assert_int_equal(r->requests[3].samples, 50);
    assert_true(has_body_of(&r->requests[3], &r->requests[4]));
    assert_int_equal(r->requests[5].samples, 50);
    assert_int_equal(
        metric_value_of(f, "edgemeter_remote_write_", "samples_replay_refused_total", ""), 100);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
}

/* What was surely not taken, being too large, is nothing that the receiver may have. */
static void test_too_large_is_nothing_on_its_way(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 413, 400, 400, 400);
    f->configs[0].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    start(f, 1);
    append(f, 100);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    run(f, 50, NULL);
    restart(f);
    f->wanted = 2;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    run(f, 50, NULL);
    assert_int_equal(counted(f, "samples_failed_total"), 100);
}

/* What is on disk is not read into memory to find the batch. */
static void test_a_long_backlog_is_not_read_at_once(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG, REPLY_HANG);
    start(f, 1);
    append(f, 100);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    for (int i = 0; i < 50; i++)
        append(f, 300);
    restart(f);
    f->wanted = 2;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    assert_int_equal(series_table_count(f->series), 100); /* those of the batch */
    receiver_cut_connections(r);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
}

static void test_no_batch_on_its_way(void **state)
{
    struct fixture *f = *state;
    start(f, 1);
    append(f, 250);
    run_until_taken(f, 250);
    run(f, 50, NULL);
    restart(f);
    append(f, 250);
    run_until_taken(f, 500);
    run(f, 50, NULL);
    assert_all_taken(f, 0);
}

/* However often some were. */
static bool each_was_taken(struct fixture *f)
{
    static bool taken[RECEIVER_SAMPLES];
    const struct receiver *r = &f->receivers[0];
    memset(taken, 0, sizeof(taken));
    for (size_t i = 0; i < r->taken_count; i++)
        taken[(size_t)r->taken[i].value] = true;
    for (size_t i = 0; i < f->appended; i++)
        if (!taken[i])
            return false;
    return true;
}

/* Shards stand at different places when the process ends. */
static void test_shards_go_on_each_from_its_own_place(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    static int replies[40];
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
        replies[i] = i % 5 == 4 ? REPLY_HANG : REPLY_TAKE;
    f->configs[0].queue.min_shards = f->configs[0].queue.max_shards = 4;
    start(f, 1);
    for (int i = 0; i < 10; i++) {
        script(r, replies, r->request_count + 8 < ARRAY_SIZE(replies) ? r->request_count + 8 : 0);
        append(f, 700);
        run(f, 30, NULL);
        restart(f);
    }
    script(r, NULL, 0);
    assert_true(run(f, LIMIT_MS, each_was_taken));
}

/* The configuration may ask for another number of shards than the process before had. */
static void test_another_number_of_shards(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG, REPLY_HANG, REPLY_HANG);
    f->configs[0].queue.min_shards = f->configs[0].queue.max_shards = 3;
    start(f, 1);
    append(f, 900);
    f->wanted = 3;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    f->configs[0].queue.min_shards = f->configs[0].queue.max_shards = 1;
    restart(f);
    append(f, 100);
    run_until_taken(f, 1000);
    run(f, 100, NULL);
    assert_int_equal(r->taken_count, 1000);
    assert_int_equal(counted(f, "shards"), 1);
    for (size_t i = 0; i < 3; i++) { /* each of the three went out again */
        bool again = false;
        for (size_t j = 3; j < r->request_count; j++)
            again |= has_body_of(&r->requests[i], &r->requests[j]);
        assert_true(again);
    }
}

/* ---- remotes of one url without names ---- */

static void start_with(struct fixture *f, struct remote_write_config **configs, size_t count)
{
    const struct shipper_environment environment = {f->loop, f->http, f->series, f->metrics,
                                                    .storage_path = f->storage_path};
    shipper_free(&f->shipper);
    assert_int_equal(shipper_new(&environment, &f->queue, configs, count, &f->shipper), 0);
}

/* Each puts its letter before the label of what it sends. */
static void make_two_of_one_url(struct fixture *f)
{
    static const char *const replacements[] = {"a$1", "b$1"};
    f->configs[0].name = NULL;
    f->configs[1].url = f->configs[0].url;
    for (size_t i = 0; i < REMOTES; i++) {
        f->configs[i].digest = i + 1;
        add_rule(&f->configs[i].relabels, RELABEL_REPLACE, "n", "(.*)", "n", replacements[i]);
    }
}

static void free_rules(struct fixture *f)
{
    shipper_free(&f->shipper);
    for (size_t i = 0; i < REMOTES; i++)
        relabel_rules_free(&f->configs[i].relabels);
}

static void waits(struct remote_write_config *config, bool does)
{
    config->queue.batch_send_deadline_ns = does ? 3600 * NS_PER_SECOND : 20 * NS_PER_MS;
}

static size_t count_taken(const struct fixture *f, char letter)
{
    const struct receiver *r = &f->receivers[0];
    size_t count = 0;
    for (size_t i = 0; i < r->taken_count; i++)
        count += r->taken[i].series[0] == letter;
    return count;
}

/* One of the two is taken out of the file between two runs: the other one goes on where it was,
 * whether the first was ahead of it or behind it. */
static void one_is_taken_out(struct fixture *f, size_t left, bool left_is_behind)
{
    struct remote_write_config *both[] = {&f->configs[0], &f->configs[1]};
    struct remote_write_config *one[] = {&f->configs[left]};
    make_two_of_one_url(f);
    waits(&f->configs[left], left_is_behind);
    waits(&f->configs[!left], !left_is_behind);
    start_with(f, both, 2);
    append(f, 50);
    run_until_taken(f, 50);
    run(f, 50, NULL); /* and knows it */
    waits(&f->configs[left], false);
    start_with(f, one, 1);
    append(f, 20);
    run(f, 200, NULL);
    assert_int_equal(count_taken(f, left ? 'b' : 'a'), 70);
    assert_int_equal(count_taken(f, left ? 'a' : 'b'), left_is_behind ? 50 : 0);
    free_rules(f);
}

static void test_the_first_of_one_url_is_taken_out(void **state)
{
    one_is_taken_out(*state, 1, true);
}

static void test_the_first_of_one_url_is_taken_out_ahead(void **state)
{
    one_is_taken_out(*state, 1, false);
}

static void test_the_second_of_one_url_is_taken_out(void **state)
{
    one_is_taken_out(*state, 0, true);
}

/* The same by a reload, and a restart later. */
static void test_one_of_one_url_is_taken_out_by_a_reload(void **state)
{
    struct fixture *f = *state;
    struct remote_write_config *both[] = {&f->configs[0], &f->configs[1]};
    struct remote_write_config *one[] = {&f->configs[1]};
    make_two_of_one_url(f);
    waits(&f->configs[0], false);
    waits(&f->configs[1], true);
    start_with(f, both, 2);
    append(f, 50);
    run_until_taken(f, 50);
    run(f, 50, NULL); /* and knows it */
    assert_int_equal(shipper_apply(f->shipper, &f->queue, one, 1), 0);
    append(f, 20);
    waits(&f->configs[1], false);
    start_with(f, one, 1);
    run_until_taken(f, 50 + 70);
    run(f, 100, NULL);
    assert_int_equal(count_taken(f, 'b'), 70);
    free_rules(f);
}

/* Others in front, in another order, one of them changed: that one takes the place that is left. */
static void test_others_of_one_url_in_another_order(void **state)
{
    struct fixture *f = *state;
    struct remote_write_config new = f->configs[0];
    struct remote_write_config *both[] = {&f->configs[0], &f->configs[1]};
    struct remote_write_config *three[] = {&new, &f->configs[1], &f->configs[0]};
    make_two_of_one_url(f);
    new.name = NULL;
    new.digest = 9;
    waits(&f->configs[0], false);
    waits(&f->configs[1], true);
    start_with(f, both, 2);
    append(f, 50);
    run_until_taken(f, 50);
    run(f, 50, NULL); /* and knows it */
    f->configs[1].digest = 8;
    waits(&f->configs[1], false);
    three[0] = &f->configs[1]; /* the changed one comes first */
    three[1] = &new;
    start_with(f, three, 3);
    append(f, 20);
    run(f, 200, NULL);
    assert_int_equal(count_taken(f, 'a'), 70);
    assert_int_equal(count_taken(f, 'b'), 70);
    assert_int_equal(f->receivers[0].taken_count, 70 + 70 + 20);
    free_rules(f);
}

#define RESTART_TEST(name) cmocka_unit_test_setup_teardown(name, setup_on_disk, teardown_with_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESTART_TEST(test_batch_on_its_way_is_sent_again_as_it_was),
        RESTART_TEST(test_batch_that_ends_within_what_was_just_appended),
        RESTART_TEST(test_refused_replay_loses_nothing_new),
        RESTART_TEST(test_parts_of_what_was_too_large_stay_apart),
        RESTART_TEST(test_too_large_is_nothing_on_its_way),
        RESTART_TEST(test_a_long_backlog_is_not_read_at_once),
        RESTART_TEST(test_no_batch_on_its_way),
        RESTART_TEST(test_shards_go_on_each_from_its_own_place),
        RESTART_TEST(test_another_number_of_shards),
        RESTART_TEST(test_the_first_of_one_url_is_taken_out),
        RESTART_TEST(test_the_first_of_one_url_is_taken_out_ahead),
        RESTART_TEST(test_the_second_of_one_url_is_taken_out),
        RESTART_TEST(test_one_of_one_url_is_taken_out_by_a_reload),
        RESTART_TEST(test_others_of_one_url_in_another_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
