/* SPDX-License-Identifier: Apache-2.0 */
/* collect/http_rows: which series rows become, with which labels and values; sums, zeros before,
 * and text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collect/http_families.h"
#include "rows_fixture.h"

#define DURATION(role) "http_" role "_request_duration_seconds"
#define SERVER_SERIES 24 /* 15 buckets, a sum and a count; 3 summaries; the total */
#define CLIENT_SERIES 23

/* A bucket's series: `le` comes after the labels that begin with j. */
static const char *bucket_series(const char *role, const char *le)
{
    static char text[512];
    snprintf(text, sizeof(text),
             "http_%s_request_duration_seconds_bucket{cgroup=\"/web\",cluster=\"c\"," HTTP(
                 "GET", "200") "instance=\"n\",job=\"http-metrics\",le=\"%s\",url_scheme=\"http\"}",
             role, le);
    return text;
}

static void test_series_of_a_row(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 2);  /* up to 0.005 */
    count_requests(ROW(web, SERVER, GET, 200), 2, 3);  /* up to 0.025 */
    count_requests(ROW(web, SERVER, GET, 200), 14, 1); /* above 10, the last bound */
    drain(1000, 2000);
    assert_int_equal(received.count, 2 * SERVER_SERIES);
    static const struct {
        const char *le;
        double value;
    } buckets[] = {{"0.005", 2}, {"0.01", 2}, {"0.025", 5}, {"0.05", 5}, {"0.075", 5},
                   {"0.1", 5},   {"0.25", 5}, {"0.5", 5},   {"0.75", 5}, {"1", 5},
                   {"2.5", 5},   {"5", 5},    {"7.5", 5},   {"10", 5},   {"+Inf", 6}};
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) {
        assert_sample(bucket_series("server", buckets[i].le), 2000, buckets[i].value);
        assert_sample(bucket_series("server", buckets[i].le), 1000, 0);
    }
    static const struct {
        const char *series;
        double value;
    } others[] = {
        {DETAIL(DURATION("server") "_sum", "/web", "GET", "200"), 0.12},
        {DETAIL(DURATION("server") "_count", "/web", "GET", "200"), 6},
        {DETAIL("http_server_time_to_first_byte_seconds_sum", "/web", "GET", "200"), 0.06},
        {DETAIL("http_server_time_to_first_byte_seconds_count", "/web", "GET", "200"), 6},
        {DETAIL("http_server_request_body_size_bytes_sum", "/web", "GET", "200"), 18},
        {DETAIL("http_server_request_body_size_bytes_count", "/web", "GET", "200"), 6},
        {DETAIL("http_server_response_body_size_bytes_sum", "/web", "GET", "200"), 6000},
        {DETAIL("http_server_response_body_size_bytes_count", "/web", "GET", "200"), 6},
        {TOTAL("/web", "get", "200"), 6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_sample(others[i].series, 2000, others[i].value);
        assert_sample(others[i].series, 1000, 0);
    }
}

static void test_client_rows_have_no_total(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, CLIENT, GET, 200), 0, 4);
    drain(1000, 2000);
    assert_int_equal(received.count, 2 * CLIENT_SERIES);
    assert_sample(bucket_series("client", "0.005"), 2000, 4);
    assert_sample(DETAIL(DURATION("client") "_count", "/web", "GET", "200"), 2000, 4);
}

/* Only what is new is preceded by a 0. */
static void test_zero_before_a_new_series(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    count_requests(ROW(web, SERVER, POST, 500), 0, 7);
    drain(2000, 3000);
    assert_int_equal(received_at(2000), SERVER_SERIES);
    assert_int_equal(received_at(3000), 2 * SERVER_SERIES);
    assert_sample(TOTAL("/web", "post", "500"), 2000, 0);
    assert_sample(TOTAL("/web", "post", "500"), 3000, 7);
    assert_no_sample(TOTAL("/web", "get", "200"), 2000);
    assert_sample(TOTAL("/web", "get", "200"), 3000, 2);
    drain(3000, 4000); /* nothing has changed: the same values again */
    assert_int_equal(received.count, 2 * SERVER_SERIES);
    assert_sample(TOTAL("/web", "get", "200"), 4000, 2);
}

#define ROUTED(name, status, host, route)                              \
    name "{cgroup=\"/web\",cluster=\"c\",http_request_method=\"GET\"," \
         "http_response_status_code=\"" status "\"," route             \
         "instance=\"n\",job=\"http-metrics\"" host ",url_scheme=\"http\"}"
#define ROUTE(route) "http_route=\"" route "\","
#define HOST(host) ",server_address=\"" host "\""

static void test_routes_and_hosts(void **state)
{
    static const char *const routes[] = {"/api/", "/say \"hi\""}, *const hosts[] = {"a.example"};
    (void)state;
    uint64_t web = cgroup_make("/web");
    names_set(&config.routes, routes, 2);
    names_set(&config.hosts, hosts, 1);
    count_requests(ROW(web, SERVER, GET, 200, .route = 1, .host = 1), 0, 1);
    count_requests(ROW(web, SERVER, GET, 200, .route = 2, .host = 1), 1, 2);
    count_requests(ROW(web, SERVER, GET, 200, .route = 0, .host = 1), 2, 4);
    count_requests(ROW(web, SERVER, GET, 200, .route = 1, .host = 0), 3, 8);
    count_requests(ROW(web, SERVER, GET, 404, .route = 1, .host = 1), 0, 16);
    drain(1000, 2000);
    assert_int_equal(received_at(2000), 5 * CLIENT_SERIES + 2);
#define COUNT(status, host, route) \
    ROUTED("http_server_request_duration_seconds_count", status, host, route)
    assert_sample(COUNT("200", HOST("a.example"), ROUTE("/api/")), 2000, 1);
    assert_sample(COUNT("200", HOST("a.example"), ROUTE("/say \\\"hi\\\"")), 2000, 2);
    assert_sample(COUNT("200", HOST("a.example"), ROUTE("other")), 2000, 4);
    assert_sample(COUNT("200", HOST("other"), ROUTE("/api/")), 2000, 8);
    assert_sample(COUNT("404", HOST("a.example"), ROUTE("/api/")), 2000, 16);
    /* the classic counter is the sum, one series for each method and status */
    assert_sample(TOTAL("/web", "get", "200"), 2000, 15);
    assert_sample(TOTAL("/web", "get", "404"), 2000, 16);

    /* a new route is new, the counter is not */
    count_requests(ROW(web, SERVER, GET, 404, .route = 2, .host = 1), 0, 32);
    drain(2000, 3000);
    assert_int_equal(received_at(2000), CLIENT_SERIES);
    assert_sample(COUNT("404", HOST("a.example"), ROUTE("/say \\\"hi\\\"")), 2000, 0);
    assert_sample(COUNT("404", HOST("a.example"), ROUTE("/say \\\"hi\\\"")), 3000, 32);
    assert_sample(TOTAL("/web", "get", "404"), 3000, 48);
}

static void test_only_routes(void **state)
{
    static const char *const routes[] = {"/a"};
    (void)state;
    uint64_t web = cgroup_make("/web");
    names_set(&config.routes, routes, 1);
    count_requests(ROW(web, SERVER, GET, 200, .route = 1), 0, 1);
    drain(1000, 2000);
    assert_sample(COUNT("200", "", ROUTE("/a")), 2000, 1);
}

/* A number that no configured name has is of none of them. */
static void test_number_without_a_name(void **state)
{
    static const char *const routes[] = {"/a"};
    (void)state;
    uint64_t web = cgroup_make("/web");
    names_set(&config.routes, routes, 1);
    count_requests(ROW(web, SERVER, GET, 200, .route = 2), 0, 1);
    drain(1000, 2000);
    assert_sample(COUNT("200", "", ROUTE("other")), 2000, 1);
}

static void test_methods(void **state)
{
    static const struct {
        uint8_t method;
        const char *detail, *total;
    } methods[] = {
#define METHOD(name, lower)                                                         \
    {HTTP_METHOD_##name, DETAIL(DURATION("server") "_count", "/web", #name, "200"), \
     TOTAL("/web", lower, "200")}
        METHOD(GET, "get"),         METHOD(HEAD, "head"),     METHOD(POST, "post"),
        METHOD(PUT, "put"),         METHOD(DELETE, "delete"), METHOD(CONNECT, "connect"),
        METHOD(OPTIONS, "options"), METHOD(TRACE, "trace"),   METHOD(PATCH, "patch"),
    };
    (void)state;
    uint64_t web = cgroup_make("/web");
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        count_requests(
            (struct http_row_key){.cgroup = web, .method = methods[i].method, .status = 200}, 0,
            i + 1);
    count_requests(ROW(web, SERVER, OTHER, 200), 0, 99);
    drain(1000, 2000);
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        assert_sample(methods[i].detail, 2000, (double)i + 1);
        assert_sample(methods[i].total, 2000, (double)i + 1);
    }
    assert_sample(TOTAL("/web", "other", "200"), 2000, 99);
}

/* The kernel's table may hold a few rows more than max_rows. What is past all bounds is left out,
 * and takes nothing from the others. */
static void test_more_rows_than_configured(void **state)
{
    enum { MAX_ROWS = 4, BOUND = 2 * (MAX_ROWS + 2) };
    (void)state;
    http_rows_free(&rows);
    cgroup_tree_free(&tree);
    config.max_rows = MAX_ROWS;
    rows_start();
    uint64_t web = cgroup_make("/web");
    for (uint16_t i = 0; i < BOUND; i++)
        count_requests(ROW(web, CLIENT, GET, 200 + i), 0, 1);
    drain(1000, 2000);
    assert_int_equal(received_at(2000), BOUND * CLIENT_SERIES);
    count_requests(ROW(web, CLIENT, GET, 500), 0, 1);
    received_clear();
    assert_int_equal(http_rows_drain(rows, entries, entry_count, 2000, 3000, &received.sink),
                     -E2BIG);
    assert_int_equal(received.count, BOUND * CLIENT_SERIES);
    assert_int_equal(series_table_count(series), BOUND * CLIENT_SERIES);
}

/* Status 0: no answer came. Summed over all but cgroup and role, and in no other series. */
static void test_unanswered(void **state)
{
    static const char *const routes[] = {"/a"};
    (void)state;
    uint64_t web = cgroup_make("/web");
    names_set(&config.routes, routes, 1);
    count_requests(ROW(web, SERVER, GET, 0), 0, 1);
    count_requests(ROW(web, SERVER, GET, 0, .route = 1), 5, 2);
    count_requests(ROW(web, SERVER, POST, 0), 14, 4);
    count_requests(ROW(web, CLIENT, OTHER, 0), 3, 8);
    drain(1000, 2000);
    assert_int_equal(received.count, 4);
    assert_sample(UNANSWERED("/web", "server"), 1000, 0);
    assert_sample(UNANSWERED("/web", "server"), 2000, 7);
    assert_sample(UNANSWERED("/web", "client"), 1000, 0);
    assert_sample(UNANSWERED("/web", "client"), 2000, 8);
}

/* Cgroup 0 and status 0 is no unanswered request: it is what found no room. */
static void test_surplus_row(void **state)
{
    (void)state;
    count_requests(ROW(0, SERVER, OTHER, 0), 0, 5);
    count_requests(ROW(0, CLIENT, OTHER, 0), 0, 6);
    for (int64_t now = 2000; now < 9000; now += 1000)
        drain(now - 1000, now); /* never gone */
    assert_int_equal(received.count, SERVER_SERIES + CLIENT_SERIES);
    assert_sample(DETAIL(DURATION("server") "_count", "other", "other", "other"), 8000, 5);
    assert_sample(DETAIL(DURATION("client") "_count", "other", "other", "other"), 8000, 6);
    assert_sample(TOTAL("other", "other", "other"), 8000, 5);
}

#define POD_UID "0123abcd-0000-4111-8222-333344445555"
#define CONTAINER_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_cgroup_labels(void **state)
{
    (void)state;
    cgroup_make("/kubepods");
    cgroup_make("/kubepods/pod" POD_UID);
    uint64_t pod = cgroup_make("/kubepods/pod" POD_UID "/" CONTAINER_ID);
    cgroup_make("/system.slice");
    uint64_t service = cgroup_make("/system.slice/nginx.service");
    uint64_t odd = cgroup_make("/b\xc3\xbc\xff\"\\.service");
    count_requests(ROW(pod, SERVER, GET, 0), 0, 1);
    count_requests(ROW(service, SERVER, GET, 0), 0, 2);
    count_requests(ROW(odd, SERVER, GET, 0), 0, 3);
    count_requests(ROW(424242424242, SERVER, GET, 0), 0, 4);
    drain(1000, 2000);
    assert_sample("http_requests_unanswered_total{cluster=\"c\",container_id=\"" CONTAINER_ID
                  "\",instance=\"n\",job=\"http-metrics\",pod_uid=\"" POD_UID "\",role=\"server\"}",
                  2000, 1);
    assert_sample("http_requests_unanswered_total{cgroup=\"/system.slice/nginx.service\","
                  "cluster=\"c\",instance=\"n\",job=\"http-metrics\",role=\"server\","
                  "service=\"nginx.service\"}",
                  2000, 2);
    /* what is no UTF-8 would be refused by receivers, with all that is sent along */
    assert_sample(
        "http_requests_unanswered_total{cgroup=\"/b\\\\xc3\\\\xbc\\\\xff\\\"\\\\.service\","
        "cluster=\"c\",instance=\"n\",job=\"http-metrics\",role=\"server\","
        "service=\"b\\\\xc3\\\\xbc\\\\xff\\\"\\\\.service\"}",
        2000, 3);
    assert_sample(UNANSWERED("id:424242424242", "server"), 2000, 4);
}

/* Two cgroups of one container have the same labels: one series, never two samples of it. */
static void test_cgroups_with_the_same_labels(void **state)
{
    (void)state;
    cgroup_make("/pod" POD_UID);
    uint64_t outer = cgroup_make("/pod" POD_UID "/" CONTAINER_ID);
    uint64_t inner = cgroup_make("/pod" POD_UID "/" CONTAINER_ID "/init");
    count_requests(ROW(outer, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    count_requests(ROW(inner, SERVER, GET, 200), 1, 2);
    drain(2000, 3000);
    assert_int_equal(received.count, SERVER_SERIES); /* no zero: the series is not new */
    assert_sample("http_requests_total{cluster=\"c\",code=\"200\",container_id=\"" CONTAINER_ID
                  "\",instance=\"n\",job=\"http-metrics\",method=\"get\",pod_uid=\"" POD_UID "\"}",
                  3000, 3);
}

/* A cgroup that is newer than the walk is found all the same, also behind one that is not found. */
static void test_new_cgroups_are_found(void **state)
{
    (void)state;
    count_requests(ROW(424242424242, SERVER, GET, 0), 0, 1);
    drain(1000, 2000);
    assert_sample(UNANSWERED("id:424242424242", "server"), 2000, 1);
    uint64_t web = cgroup_make("/web"), db = cgroup_make("/db");
    count_requests(ROW(web, SERVER, GET, 0), 0, 2);
    count_requests(ROW(db, SERVER, GET, 0), 0, 3);
    drain(2000, 3000);
    assert_sample(UNANSWERED("/web", "server"), 3000, 2);
    assert_sample(UNANSWERED("/db", "server"), 3000, 3);
}

static void test_series_table_is_full(void **state)
{
    struct series_table *enough = series;
    (void)state;
    http_rows_free(&rows);
    cgroup_tree_free(&tree);
    assert_int_equal(series_table_new(SERVER_SERIES + 1, &series), 0);
    rows_start();
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    count_requests(ROW(web, SERVER, GET, 404), 0, 2);
    count_requests(ROW(web, SERVER, GET, 0), 0, 3);
    assert_int_equal(http_rows_drain(rows, entries, entry_count, 1000, 2000, &received.sink),
                     -E2BIG);
    /* what did find room is sent, what did not takes none */
    assert_sample(TOTAL("/web", "get", "200"), 2000, 1);
    assert_sample(UNANSWERED("/web", "server"), 2000, 3);
    assert_int_equal(received_at(2000), SERVER_SERIES + 1);
    assert_int_equal(series_table_count(series), SERVER_SERIES + 1);
    received_clear();
    http_rows_free(&rows);
    series_table_free(&series);
    series = enough;
}

#define TEXT_LABELS "{cgroup=\"/web\",http_request_method=\"GET\",http_response_status_code=\"200\""

/* The same numbers without job, instance and external labels, and classic whatever is sent. */
static void test_text(void **state)
{
    static const char *const routes[] = {"/a", "/b"};
    struct buffer text;
    (void)state;
    names_set(&config.routes, routes, 2);
    config.native_histograms = true;
    config.bucket_count = 1;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200, .route = 1), 0, 1);
    count_requests(ROW(web, SERVER, GET, 200, .route = 2), 1, 2);
    count_requests(ROW(web, CLIENT, GET, 0), 0, 3);
    count_requests(ROW(web, SERVER, GET, 0), 0, 4);
    buffer_init(&text, 1 << 20);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    static const char *const wanted[] = {
        "# HELP http_server_request_duration_seconds From a request's first byte to its "
        "response's last byte.\n# TYPE http_server_request_duration_seconds histogram\n"
        "http_server_request_duration_seconds_bucket" TEXT_LABELS
        ",http_route=\"/a\",le=\"0.005\",url_scheme=\"http\"} 1\n"
        "http_server_request_duration_seconds_bucket" TEXT_LABELS
        ",http_route=\"/a\",le=\"+Inf\",url_scheme=\"http\"} 1\n"
        "http_server_request_duration_seconds_sum" TEXT_LABELS
        ",http_route=\"/a\",url_scheme=\"http\"} 0.02\n"
        "http_server_request_duration_seconds_count" TEXT_LABELS
        ",http_route=\"/a\",url_scheme=\"http\"} 1\n"
        "http_server_request_duration_seconds_bucket" TEXT_LABELS
        ",http_route=\"/b\",le=\"0.005\",url_scheme=\"http\"} 0\n",
        "# HELP http_requests_total Requests answered by servers.\n"
        "# TYPE http_requests_total counter\n"
        "http_requests_total{cgroup=\"/web\",code=\"200\",method=\"get\"} 3\n"
        "# HELP http_requests_unanswered_total",
        "# TYPE http_requests_unanswered_total counter\n"
        "http_requests_unanswered_total{cgroup=\"/web\",role=\"client\"} 3\n"
        "http_requests_unanswered_total{cgroup=\"/web\",role=\"server\"} 4\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (!strstr(text.bytes, wanted[i]))
            print_error("%s\nlacks\n%s\n", text.bytes, wanted[i]);
        assert_non_null(strstr(text.bytes, wanted[i]));
    }
    assert_null(strstr(text.bytes, "cluster"));
    assert_null(strstr(text.bytes, "http_client")); /* a family without series is left out */

    /* that a page was written before changes nothing that is sent */
    drain(1000, 2000);
    assert_sample(TOTAL("/web", "get", "200"), 1000, 0);
    assert_sample(TOTAL("/web", "get", "200"), 2000, 3);

    buffer_free(&text);
    buffer_init(&text, 100);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), -E2BIG);
    buffer_free(&text);
}

struct shown_list {
    struct {
        char labels[256];
        bool answered;
        enum http_role role;
        uint64_t count;
    } list[8];
    size_t count;
};

static void note_shown(void *context, const struct http_shown *shown)
{
    struct shown_list *all = context;
    char *to = all->list[all->count].labels;

    for (size_t i = 0; i < labels_builder_count(shown->labels); i++) {
        struct label label = labels_builder_at(shown->labels, i);
        to += sprintf(to, "%.*s=%.*s ", TEXT_FORMAT(label.name), TEXT_FORMAT(label.value));
    }
    all->list[all->count].answered = shown->answered;
    all->list[all->count].role = shown->role;
    all->list[all->count++].count = http_row_count(&shown->sum);
}

/* One by one, without the totals: they repeat the others. */
static void test_show(void **state)
{
    struct shown_list shown = {.count = 0};
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 3);
    count_requests(ROW(web, CLIENT, GET, 0), 0, 4);
    assert_int_equal(http_rows_show(rows, entries, entry_count, note_shown, &shown), 0);
    assert_int_equal(shown.count, 2);
    assert_string_equal(shown.list[0].labels, "cgroup=/web http_request_method=GET "
                                              "http_response_status_code=200 url_scheme=http ");
    assert_true(shown.list[0].answered);
    assert_int_equal(shown.list[0].role, HTTP_ROLE_SERVER);
    assert_int_equal(shown.list[0].count, 3);
    assert_string_equal(shown.list[1].labels, "cgroup=/web role=client ");
    assert_false(shown.list[1].answered);
    assert_int_equal(shown.list[1].role, HTTP_ROLE_CLIENT);
    assert_int_equal(shown.list[1].count, 4);
}

static void test_nothing(void **state)
{
    struct buffer text;
    (void)state;
    drain(1000, 2000);
    assert_int_equal(received.records, 0);
    buffer_init(&text, 100);
    assert_int_equal(http_rows_write(rows, entries, 0, &text), 0);
    assert_int_equal(text.length, 0);
    buffer_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_series_of_a_row),
        TEST(test_client_rows_have_no_total),
        TEST(test_zero_before_a_new_series),
        TEST(test_routes_and_hosts),
        TEST(test_only_routes),
        TEST(test_number_without_a_name),
        TEST(test_methods),
        TEST(test_more_rows_than_configured),
        TEST(test_unanswered),
        TEST(test_surplus_row),
        TEST(test_cgroup_labels),
        TEST(test_cgroups_with_the_same_labels),
        TEST(test_new_cgroups_are_found),
        TEST(test_series_table_is_full),
        TEST(test_text),
        TEST(test_show),
        TEST(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
