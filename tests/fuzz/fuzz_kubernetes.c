/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for answers of the Kubernetes API: a list or a watch, cut into pieces as the
 * first two bytes of the input say. Whatever the bytes are, nothing is read or written out of
 * bounds or leaked, the cut changes nothing, and what becomes of an object is a sound label set.
 *
 *   clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
 *       -D_GNU_SOURCE -Iuserspace tests/fuzz/fuzz_kubernetes.c \
 *       userspace/discover/{json_splitter,kubernetes_labels,kubernetes_object,kubernetes_pod}.c \
 *       userspace/model/{labels,labels_builder,pod,workload,escape,utf8}.c \
 *       userspace/base/{buffer,hash_table,text}.c -ljansson -lxxhash -o fuzz_kubernetes
 *   ./fuzz_kubernetes -dict=tests/fuzz/kubernetes.dict -max_len=65536 -max_total_time=300 \
 *       NEW_CORPUS_FOLDER tests/kube/recordings */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/json_splitter.h"
#include "discover/kubernetes_object.h"

#define MAX_VALUE 20000

static struct labels_builder *builder;

static void check_set(const struct labels *labels)
{
    struct text before = {NULL, 0};

    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        if (!c.label.name.length || !c.label.value.length ||
            (before.bytes && text_compare(before, c.label.name) >= 0))
            abort();
        before = c.label.name;
    }
}

static void check_object(enum kubernetes_resource resource, const json_t *json)
{
    struct kubernetes_object *object = NULL, *again = NULL;

    if (kubernetes_object_new(resource, json, builder, &object))
        return;
    if (!object->name.length || kubernetes_object_new(resource, json, builder, &again) ||
        !kubernetes_object_equal(object, again))
        abort();
    check_set(object->labels);
    for (size_t i = 0; i < object->target_count; i++)
        check_set(object->targets[i]);
    for (size_t i = 0; object->pod && i < object->pod->container_count; i++)
        pod_container_id(&object->pod->containers[i]);
    kubernetes_object_free(&object);
    kubernetes_object_free(&again);
}

static void check_value(struct text value)
{
    json_t *json = kubernetes_parse(value);
    const json_t *object = json_object_get(json, "object");

    for (int resource = 0; json && resource < KUBERNETES_RESOURCES; resource++)
        check_object((enum kubernetes_resource)resource, object ? object : json);
    json_decref(json);
}

/* What came out of one feeding. */
struct outcome {
    bool look; /* at the values, too */
    int error;
    bool complete;
    size_t skipped;
    struct buffer values; /* each with a line break behind */
    struct buffer rest;
};

static int on_value(void *context, struct text value)
{
    struct outcome *outcome = context;

    buffer_append_text(&outcome->values, value);
    buffer_append_char(&outcome->values, '\n');
    if (outcome->look)
        check_value(value);
    return 0;
}

static void feed(const uint8_t *bytes, size_t size, enum json_splitter_mode mode, size_t piece,
                 struct outcome *outcome)
{
    struct json_splitter splitter;

    *outcome = (struct outcome){.look = piece > size};
    buffer_init(&outcome->values, 1 << 24);
    buffer_init(&outcome->rest, 1 << 24);
    json_splitter_init(&splitter, mode, MAX_VALUE, on_value, outcome);
    for (size_t at = 0; at < size && !outcome->error; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        char *copy = malloc(length); /* its end is the end of what may be read */
        memcpy(copy, bytes + at, length);
        outcome->error = json_splitter_feed(&splitter, copy, length);
        free(copy);
    }
    outcome->complete = json_splitter_is_complete(&splitter);
    outcome->skipped = splitter.skipped;
    if (splitter.rest.length)
        buffer_append_text(&outcome->rest, buffer_text(&splitter.rest));
    json_splitter_free(&splitter);
}

static void outcome_free(struct outcome *outcome)
{
    buffer_free(&outcome->values);
    buffer_free(&outcome->rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum json_splitter_mode mode = size && bytes[0] & 1 ? JSON_LINES : JSON_ITEMS;
    size_t piece = size > 1 ? 1 + bytes[1] : 1;
    struct outcome whole, cut;

    if (!builder && labels_builder_new(&builder))
        abort();
    /* A recording begins with its first byte; what the two bytes say does not matter to it. */
    for (int turn = 0; turn < 2; turn++, mode = mode == JSON_LINES ? JSON_ITEMS : JSON_LINES) {
        feed(bytes, size, mode, size + 1, &whole);
        feed(bytes, size, mode, piece, &cut);
        if (whole.error != cut.error || whole.complete != cut.complete ||
            whole.skipped != cut.skipped ||
            !text_equal(buffer_text(&whole.values), buffer_text(&cut.values)) ||
            !text_equal(buffer_text(&whole.rest), buffer_text(&cut.rest)))
            abort();
        outcome_free(&whole);
        outcome_free(&cut);
    }
    return 0;
}
