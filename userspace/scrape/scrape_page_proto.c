/* SPDX-License-Identifier: Apache-2.0 */
/* A protobuf page, family by family: one is held at a time, and only while it is not complete. */
#include "scrape/scrape_page_proto.h"

#include <errno.h>

#include "scrape/scrape_convert.h"
#include "scrape/scrape_take.h"

static void read_family(struct scrape_page *page, struct text family)
{
    struct exposition_entry *entry = page->shared->entry;
    int result = proto_exposition_begin(page->proto, family);

    page->line++;
    if (!result)
        scrape_families_set(&page->families, proto_exposition_family(page->proto));
    while (!result && (result = proto_exposition_next(page->proto, entry)) > 0) {
        if (entry->kind == EXPOSITION_EXEMPLAR) {
            scrape_page_take_exemplar(page, entry);
            result = 0;
            continue;
        }
        result = page->convert ? scrape_convert_take(page, entry) : scrape_page_take(page, entry);
        histogram_release(entry->histogram);
    }
    if (!result && page->convert)
        result = scrape_convert_flush(page);
    if (page->failed || !result)
        return;
    if (result == -ENOMEM)
        scrape_page_fail_errno(page, result);
    else
        scrape_page_fail_here(page, "%s", proto_exposition_error(page->proto));
}

/* The whole families of `bytes`; gives what is left, and how long that is to become. */
static struct text read_families(struct scrape_page *page, struct text bytes, size_t *needed)
{
    struct text family;
    int64_t used = 0;

    while (!page->failed &&
           (used = proto_exposition_frame(page->proto, bytes, &family, needed)) > 0) {
        read_family(page, family);
        bytes = (struct text){bytes.bytes + used, bytes.length - (size_t)used};
    }
    if (used < 0)
        scrape_page_fail_here(page, "%s", proto_exposition_error(page->proto));
    return bytes;
}

static void keep(struct scrape_page *page, struct text bytes)
{
    int error = buffer_append_text(&page->tail, bytes);
    if (error)
        scrape_page_fail_errno(page, error);
}

/* Takes from *bytes what the family in the tail still needs, a byte where that is not known. */
static void complete_tail(struct scrape_page *page, struct text *bytes)
{
    size_t needed;

    while (!page->failed && page->tail.length && bytes->length) {
        struct text rest = read_families(page, buffer_text(&page->tail), &needed);
        if (page->failed)
            return;
        if (!rest.length) {
            buffer_clear(&page->tail);
            return;
        }
        size_t missing = needed ? needed - page->tail.length : 1;
        size_t taken = missing < bytes->length ? missing : bytes->length;
        keep(page, (struct text){bytes->bytes, taken});
        *bytes = (struct text){bytes->bytes + taken, bytes->length - taken};
    }
}

void scrape_page_feed_families(struct scrape_page *page, const char *bytes, size_t length)
{
    struct text rest = {bytes, length};
    size_t needed;

    complete_tail(page, &rest);
    if (page->failed)
        return;
    if (page->tail.length) { /* perhaps complete with the last byte */
        if (!read_families(page, buffer_text(&page->tail), &needed).length)
            buffer_clear(&page->tail);
        return;
    }
    rest = read_families(page, rest, &needed);
    if (!page->failed && rest.length)
        keep(page, rest);
}

void scrape_page_end_families(struct scrape_page *page)
{
    if (!page->failed && page->tail.length)
        scrape_page_fail_here(page, "the page ends in the middle of a metric family");
}
