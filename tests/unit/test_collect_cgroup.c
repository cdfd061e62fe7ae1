/* SPDX-License-Identifier: Apache-2.0 */
/* collect/cgroup_identity and collect/cgroup_mount by tables, collect/cgroup_tree on folders. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/cgroup_attribution.h"
#include "collect/cgroup_identity.h"
#include "collect/cgroup_tree.h"

/* --- identity --- */

#define HEX16 "0123456789abcdef"
#define ID HEX16 HEX16 HEX16 HEX16
#define ID2 "fedcba9876543210" HEX16 HEX16 HEX16
#define POD "0a1b2c3d-1111-2222-3333-444455556666"
#define POD_ "0a1b2c3d_1111_2222_3333_444455556666"
#define STATIC HEX16 HEX16 /* of a static pod: a hash */

static void test_identity(void **state)
{
    static const struct {
        const char *path, *pod, *container, *service;
    } cases[] = {
        {"/", "", "", ""},
        {"", "", "", ""},
        /* systemd driver: three classes, three runtimes */
        {"/kubepods.slice/kubepods-pod" POD_ ".slice/cri-containerd-" ID ".scope", POD, ID, ""},
        {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_
         ".slice/cri-containerd-" ID ".scope",
         POD, ID, ""},
        {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/crio-" ID
         ".scope",
         POD, ID, ""},
        {"/kubepods.slice/kubepods-pod" POD_ ".slice/docker-" ID ".scope", POD, ID, ""},
        {"/kubepods.slice/kubepods-pod" STATIC ".slice/cri-containerd-" ID ".scope", STATIC, ID,
         ""},
        {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" STATIC
         ".slice/cri-containerd-" ID ".scope",
         STATIC, ID, ""},
        {"/kubepods.slice/kubepods-pod" POD_ ".slice", POD, "", ""},
        {"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope/container", POD, ID, ""},
        {"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-conmon-" ID ".scope", POD, ID, ""},
        /* cgroupfs driver */
        {"/kubepods/pod" POD "/" ID, POD, ID, ""},
        {"/kubepods/burstable/pod" POD "/" ID, POD, ID, ""},
        {"/kubepods/besteffort/pod" POD "/" ID, POD, ID, ""},
        {"/kubepods/besteffort/pod" STATIC "/" ID, STATIC, ID, ""},
        {"/kubepods/burstable/pod" POD "/crio-" ID, POD, ID, ""},
        {"/kubepods/burstable/pod" POD, POD, "", ""},
        {"/k8s.io/kubepods/burstable/pod" POD "/" ID "/init.scope", POD, ID, ""},
        /* a runtime without systemd that was given systemd's names */
        {"/system.slice/containerd.service/kubepods-burstable-pod" POD_ ".slice:cri-containerd:" ID,
         POD, ID, "containerd.service"},
        {"/kubepods-besteffort-pod" POD_ ".slice:cri-containerd:" ID, POD, ID, ""},
        /* nested: kind, k3d, k3s */
        {"/system.slice/docker-" ID2 ".scope/kubelet.slice/kubelet-kubepods.slice/"
         "kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" POD_
         ".slice/cri-containerd-" ID ".scope",
         POD, ID, ""},
        {"/docker/" ID2 "/kubelet/kubepods/besteffort/pod" POD "/" ID, POD, ID, ""},
        {"/system.slice/k3s.service/kubepods/burstable/pod" POD "/" ID, POD, ID, "k3s.service"},
        {"/kubepods/pod" STATIC "/" ID2 "/kubepods/pod" POD "/" ID, POD, ID,
         ""},                                                     /* the innermost */
        {"/kubepods/pod" POD "/" ID "/docker/" ID2, POD, ID, ""}, /* the one the kubelet knows */
        {"/kubepods/pod" POD "/" ID "/system.slice/nginx.service", POD, ID, "nginx.service"},
        /* services */
        {"/system.slice/nginx.service", "", "", "nginx.service"},
        {"/system.slice/nginx.service/worker", "", "", "nginx.service"},
        {"/system.slice/system-getty.slice/getty@tty1.service", "", "", "getty@tty1.service"},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", "", "",
         "web.service"},
        {"/system.slice/a:b.service", "", "", "a:b.service"},
        {"/system.slice/docker-" ID ".scope", "", "", ""},
        {"/user.slice/user-1000.slice/session-3.scope", "", "", ""},
        {"/.service", "", "", ""},
        /* odd ones */
        {"//kubepods//pod" POD "//" ID "//", POD, ID, ""},
        {"/pod" POD "x/" ID, "", "", ""},
        {"/pod" POD_ "/" ID, POD, ID, ""},
        {"/pod0a1b2c3d-1111-2222-3333-44445555666", "", "", ""},  /* a digit short */
        {"/pod0a1b2c3d-1111-2222-3333-44445555666g", "", "", ""}, /* no hexadecimal digit */
        {"/pod0a1b2c3d01111-2222-3333-444455556666", "", "", ""}, /* a dash is missing */
        {"/kubepods-pod" POD_ "x.slice/" ID, "", "", ""},
        {"/kubepods-guaranteed-pod" POD_ ".slice", "", "", ""},
        {"/mykubepods-pod" POD_ ".slice", "", "", ""},
        {"/notkubepodspod" POD_ ".slice", "", "", ""},
        {"/kubepods/pod" POD "/" ID "0", POD, "", ""},
        {"/kubepods/pod" POD "/0123456789abcdef", POD, "", ""},
        {"/kubepods.slice", "", "", ""},
        {"/pod", "", "", ""},
        {"/-pod.slice", "", "", ""},
        {"/.slice", "", "", ""},
        {"/:::", "", "", ""},
    };
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cgroup_identity found;
        cgroup_identity_parse(cases[i].path, &found);
        bool good = strcmp(found.pod_uid, cases[i].pod) == 0 &&
                    text_equal(found.container, text_of(cases[i].container)) &&
                    text_equal(found.service, text_of(cases[i].service));
        if (!good)
            print_error("%s: pod \"%s\", container \"%.*s\", service \"%.*s\"\n", cases[i].path,
                        found.pod_uid, TEXT_FORMAT(found.container), TEXT_FORMAT(found.service));
        wrong += !good;
    }
    assert_int_equal(wrong, 0);
}

/* --- mounts --- */

#define V1 "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0\n"
#define TMPFS "tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0\n"
#define PROC "proc /proc proc rw 0 0\n"
#define UNIFIED "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev 0 0\n"
#define HYBRID "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
#define ELSEWHERE "none /mnt/cg cgroup2 rw 0 0\n"

static void test_mount_find(void **state)
{
    static const struct {
        const char *mounts, *found;
    } cases[] = {
        {"", NULL},
        {"\n", NULL},
        {PROC TMPFS V1, NULL},
        {PROC UNIFIED, "/sys/fs/cgroup"},
        {PROC TMPFS V1 HYBRID, "/sys/fs/cgroup/unified"},
        {ELSEWHERE, "/mnt/cg"},
        {ELSEWHERE "x /mnt/other cgroup2 rw 0 0\n", "/mnt/cg"}, /* the first */
        {ELSEWHERE PROC HYBRID, "/sys/fs/cgroup/unified"},      /* but the usual place before it */
        {ELSEWHERE UNIFIED, "/sys/fs/cgroup"},
        {"cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid 0 0\n", "/sys/fs/cgroup"}, /* reading will do */
        {"cgroup2 /sys/fs/cgroup cgroup2 rw 0 0", "/sys/fs/cgroup"},          /* no last newline */
        {"a\\040b /mnt/c\\040d\\011e\\134f cgroup2 rw 0 0\n", "/mnt/c d\te\\f"},
        {"x /mnt/\\0 cgroup2 rw 0 0\n", "/mnt/\\0"}, /* no whole escape */
        {"x /mnt/\\999 cgroup2 rw 0 0\n", "/mnt/\\999"},
        {"x /mnt/\\1011 cgroup2 rw 0 0\n", "/mnt/A1"},
        {"x cgroup2 tmpfs rw 0 0\n", NULL},
        {"cgroup2 /a cgroup rw 0 0\n", NULL},
        {"x\n/a cgroup2 rw 0 0\n", NULL}, /* a line does not go on in the next */
        {"\n\n" UNIFIED, "/sys/fs/cgroup"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autofree char *found = cgroup_mount_find(cases[i].mounts);
        if (cases[i].found)
            assert_non_null(found);
        if (!cases[i].found || strcmp(found, cases[i].found) != 0)
            assert_ptr_equal(found, cases[i].found);
    }
}

static void test_mount_of_a_folder(void **state)
{
    static const struct {
        const char *mounts, *folder, *found;
    } cases[] = {
        {UNIFIED "x /host/sys/fs/cgroup cgroup2 rw 0 0\n", "/host/sys/fs/cgroup/system.slice",
         "/host/sys/fs/cgroup"},
        {UNIFIED, "/sys/fs/cgroup", "/sys/fs/cgroup"},
        {UNIFIED, "/sys/fs/cgroup/", "/sys/fs/cgroup"},
        {UNIFIED, "/sys/fs/cgroup2", NULL},
        {UNIFIED, "/sys/fs", NULL},
        {UNIFIED HYBRID, "/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/unified"}, /* the nearest */
        {HYBRID UNIFIED, "/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/unified"},
        {"x / cgroup2 rw 0 0\n", "/a", "/"},
        {PROC, "/proc/1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autofree char *found = cgroup_mount_of(cases[i].mounts, cases[i].folder);
        if (cases[i].found)
            assert_non_null(found);
        if (!cases[i].found || strcmp(found, cases[i].found) != 0)
            assert_ptr_equal(found, cases[i].found);
    }
}

/* --- the tree --- */

static char root[64], aside[96];

static int root_make(void **state)
{
    (void)state;
    strcpy(root, "/tmp/edgemeter-tree-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(aside, sizeof(aside), "%s-aside", root);
    return mkdir(aside, 0700);
}

static int root_remove(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s %s", root, aside);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s%s", root, name);
    return path;
}

static uint64_t folder_make(const char *name)
{
    struct stat status;
    assert_int_equal(mkdir(path_of(name), 0700), 0);
    assert_int_equal(stat(path_of(name), &status), 0);
    return status.st_ino;
}

/* Moves it aside, so that its inode does not come again: a cgroup's id never does. */
static void folder_remove(const char *name)
{
    static unsigned removed;
    char to[128];
    snprintf(to, sizeof(to), "%s/%u", aside, removed++);
    assert_int_equal(rename(path_of(name), to), 0);
}

static void file_make(const char *name)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fclose(file);
}

static void test_tree(void **state)
{
    struct cgroup_tree *tree;
    struct stat status;
    (void)state;
    uint64_t a = folder_make("/a"), deep = folder_make("/a/b c"), hidden = folder_make("/.hidden");
    file_make("/a/cgroup.procs");
    assert_int_equal(symlink("/", path_of("/link")), 0);
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    assert_int_equal(stat(root, &status), 0);
    assert_string_equal(cgroup_tree_path(tree, status.st_ino), "/");
    assert_string_equal(cgroup_tree_path(tree, a), "/a");
    assert_string_equal(cgroup_tree_path(tree, deep), "/a/b c");
    assert_string_equal(cgroup_tree_path(tree, hidden), "/.hidden");
    assert_null(cgroup_tree_path(tree, 1));
    assert_int_equal(stat(path_of("/a/cgroup.procs"), &status), 0);
    assert_null(cgroup_tree_path(tree, status.st_ino)); /* files are no cgroups */
    assert_false(cgroup_tree_is_gone(tree, deep));
    assert_int_equal(stat(root, &status), 0);
    assert_false(cgroup_tree_is_gone(tree, status.st_ino));
    assert_true(cgroup_tree_is_gone(tree, 1)); /* a whole walk did not see it */

    uint64_t later = folder_make("/later");
    assert_null(cgroup_tree_path(tree, later));
    assert_int_equal(cgroup_tree_refresh(tree), 0);
    assert_string_equal(cgroup_tree_path(tree, later), "/later");
    cgroup_tree_free(&tree);
    assert_null(tree);
}

static void test_gone_folders(void **state)
{
    struct cgroup_tree *tree;
    (void)state;
    uint64_t a = folder_make("/a"), b = folder_make("/a/b"), other = folder_make("/other");
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    folder_remove("/a/b");
    assert_true(cgroup_tree_is_gone(tree, b)); /* without a walk */
    assert_false(cgroup_tree_is_gone(tree, a));
    uint64_t again = folder_make("/a/b");
    assert_true(again != b);
    assert_true(cgroup_tree_is_gone(tree, b)); /* another folder has its path */
    assert_int_equal(cgroup_tree_refresh(tree), 0);
    assert_string_equal(cgroup_tree_path(tree, b), "/a/b"); /* its rows keep their name */
    assert_string_equal(cgroup_tree_path(tree, again), "/a/b");
    assert_true(cgroup_tree_is_gone(tree, b));
    assert_false(cgroup_tree_is_gone(tree, again));
    assert_false(cgroup_tree_is_gone(tree, other));
    cgroup_tree_free(&tree);
}

/* What a walk could not see may be there: an id that it does not know is not gone for that. */
static void test_folder_may_not_be_read(void **state)
{
    struct cgroup_tree *tree;
    (void)state;
    if (geteuid() != 0)
        skip();
    folder_make("/a");
    folder_make("/closed");
    uint64_t inner = folder_make("/closed/inner");
    assert_int_equal(chown(root, 65534, 65534), 0);
    assert_int_equal(chown(path_of("/a"), 65534, 65534), 0);
    assert_int_equal(seteuid(65534), 0);
    int error = cgroup_tree_new(root, &tree);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(error, 0);
    assert_null(cgroup_tree_path(tree, inner));
    assert_false(cgroup_tree_is_gone(tree, inner));
    assert_int_equal(cgroup_tree_refresh(tree), 0);
    assert_string_equal(cgroup_tree_path(tree, inner), "/closed/inner");
    assert_true(cgroup_tree_is_gone(tree, 1));
    cgroup_tree_free(&tree);
}

static void test_too_deep_to_be_walked(void **state)
{
    struct cgroup_tree *tree;
    char path[512] = "";
    uint64_t id = 0;
    (void)state;
    for (int depth = 1; depth <= 66; depth++) {
        strcat(path, "/d");
        id = folder_make(path);
    }
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    assert_null(cgroup_tree_path(tree, id));
    assert_false(cgroup_tree_is_gone(tree, id));
    cgroup_tree_free(&tree);
}

/* Of those that are gone the last are remembered, and no more. */
static void test_gone_folders_are_bounded(void **state)
{
    enum { ROUND = 1024 };
    static uint64_t ids[CGROUP_TREE_GONE_MAX + ROUND];
    struct cgroup_tree *tree;
    size_t count = 0, kept = 0;
    char name[32];
    (void)state;
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    while (count < ARRAY_SIZE(ids)) {
        size_t first = count;
        for (; count < first + ROUND; count++) {
            snprintf(name, sizeof(name), "/%zu", count);
            ids[count] = folder_make(name);
        }
        assert_int_equal(cgroup_tree_refresh(tree), 0);
        for (size_t i = first; i < count; i++) {
            snprintf(name, sizeof(name), "/%zu", i);
            folder_remove(name);
        }
        assert_int_equal(cgroup_tree_refresh(tree), 0);
    }
    for (size_t i = 0; i < count; i++)
        kept += cgroup_tree_path(tree, ids[i]) != NULL;
    assert_int_equal(kept, CGROUP_TREE_GONE_MAX);
    assert_null(cgroup_tree_path(tree, ids[0])); /* the first to go */
    assert_non_null(cgroup_tree_path(tree, ids[count - 1]));
    cgroup_tree_free(&tree);
}

/* --- following it --- */

static void stop(void *context)
{
    loop_stop(context);
}

/* Lets the tree see what has happened so far. */
static void look(struct loop *loop)
{
    struct loop_timer *timer;
    assert_int_equal(loop_timer_new(loop, stop, loop, &timer), 0);
    loop_timer_after(timer, 20 * NS_PER_MS);
    assert_int_equal(loop_run(loop), 0);
    loop_timer_free(&timer);
}

static void test_follow(void **state)
{
    struct cgroup_tree *tree;
    struct loop *loop;
    (void)state;
    folder_make("/a");
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    assert_int_equal(cgroup_tree_follow(tree, loop), 0);
    /* two at once: the second is made before anybody looks at the first */
    uint64_t pod = folder_make("/a/pod"), container = folder_make("/a/pod/c");
    file_make("/a/pod/cgroup.procs");
    look(loop);
    assert_string_equal(cgroup_tree_path(tree, pod), "/a/pod");
    assert_string_equal(cgroup_tree_path(tree, container), "/a/pod/c");
    assert_false(cgroup_tree_is_gone(tree, container));
    uint64_t more = folder_make("/a/pod/c/more"), top = folder_make("/top");
    look(loop);
    assert_string_equal(cgroup_tree_path(tree, more), "/a/pod/c/more");
    assert_string_equal(cgroup_tree_path(tree, top), "/top");

    /* gone before the next walk, and known all the same */
    rmdir(path_of("/a/pod/c/more"));
    rmdir(path_of("/a/pod/c"));
    look(loop);
    assert_string_equal(cgroup_tree_path(tree, container), "/a/pod/c");
    assert_true(cgroup_tree_is_gone(tree, container));
    assert_false(cgroup_tree_is_gone(tree, pod));
    assert_int_equal(cgroup_tree_refresh(tree), 0);
    assert_string_equal(cgroup_tree_path(tree, container), "/a/pod/c");
    uint64_t later = folder_make("/a/pod/later"); /* a walk has not ended the watches */
    look(loop);
    assert_string_equal(cgroup_tree_path(tree, later), "/a/pod/later");
    cgroup_tree_free(&tree);
    loop_free(&loop);
}

/* More of them than one read of inotify's gives. */
static void test_follow_many(void **state)
{
    enum { FOLDERS = 3000 };
    static uint64_t ids[FOLDERS];
    struct cgroup_tree *tree;
    struct loop *loop;
    char name[64];
    (void)state;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    assert_int_equal(cgroup_tree_follow(tree, loop), 0);
    for (size_t i = 0; i < FOLDERS; i++) {
        snprintf(name, sizeof(name), "/a-folder-with-a-long-name-%zu", i);
        ids[i] = folder_make(name);
    }
    for (size_t i = 0; i < FOLDERS; i++) {
        snprintf(name, sizeof(name), "/a-folder-with-a-long-name-%zu", i);
        for (unsigned turn = 0; turn < 100 && !cgroup_tree_path(tree, ids[i]); turn++)
            look(loop);
        assert_string_equal(cgroup_tree_path(tree, ids[i]), name);
    }
    cgroup_tree_free(&tree);
    loop_free(&loop);
}

/* The kernel keeps so many events and drops what follows: a walk makes up for them. */
static void test_follow_more_than_is_kept(void **state)
{
    struct cgroup_tree *tree;
    struct loop *loop;
    unsigned kept = 0;
    (void)state;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    if (!file || fscanf(file, "%u", &kept) != 1 || kept > 100000)
        kept = 0;
    if (file)
        fclose(file);
    if (!kept)
        skip();
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(cgroup_tree_new(root, &tree), 0);
    assert_int_equal(cgroup_tree_follow(tree, loop), 0);
    for (unsigned i = 0; i <= kept / 2; i++) {
        assert_int_equal(mkdir(path_of("/short"), 0700), 0);
        assert_int_equal(rmdir(path_of("/short")), 0);
    }
    uint64_t late = folder_make("/late");
    for (unsigned turn = 0; turn < 100 && !cgroup_tree_path(tree, late); turn++)
        look(loop);
    assert_string_equal(cgroup_tree_path(tree, late), "/late");
    cgroup_tree_free(&tree);
    loop_free(&loop);
}

static void test_not_a_folder(void **state)
{
    struct cgroup_tree *tree = NULL;
    (void)state;
    assert_int_equal(cgroup_tree_new(path_of("/nowhere"), &tree), -ENOENT);
    file_make("/file");
    assert_int_equal(cgroup_tree_new(path_of("/file"), &tree), -ENOTDIR);
    assert_null(tree);
}

/* --- attribution --- */

static void test_attribution(void **state)
{
    static const struct {
        struct cgroup_attribution_facts facts;
        enum cgroup_attribution judged;
    } cases[] = {
        {{.seen = 77, .root = 1}, ATTRIBUTION_WORKS},
        {{.seen = 1, .root = 1, .own_is_root = true}, ATTRIBUTION_WORKS},
        {{.seen = 0, .root = 1}, ATTRIBUTION_WORKS}, /* it could not be tried */
        {{.seen = 1, .root = 1}, ATTRIBUTION_NONE},
        {{.seen = 77, .root = 77}, ATTRIBUTION_PARTIAL},
        {{.seen = 0, .root = 77}, ATTRIBUTION_WORKS},
        {{.seen = 99, .root = 77}, ATTRIBUTION_WORKS}, /* a node that is a container itself */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(cgroup_attribution_judge(&cases[i].facts), cases[i].judged);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, root_make, root_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_mount_find),
        cmocka_unit_test(test_mount_of_a_folder),
        TEST(test_tree),
        TEST(test_gone_folders),
        TEST(test_folder_may_not_be_read),
        TEST(test_too_deep_to_be_walked),
        TEST(test_gone_folders_are_bounded),
        TEST(test_follow),
        TEST(test_follow_many),
        TEST(test_follow_more_than_is_kept),
        TEST(test_not_a_folder),
        cmocka_unit_test(test_attribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
