/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of text whose end is the end of what may be read. */
#ifndef EDGEMETER_TESTS_GUARDED_PAGE_H
#define EDGEMETER_TESTS_GUARDED_PAGE_H

#include <sys/mman.h>
#include <unistd.h>

#include "model/exposition.h"

/* Parses the page and every beginning of it, each before a page of memory that must not be touched,
 * with the whole text for the series that is expected. */
static inline void read_guarded(enum exposition_format format, struct text page)
{
    static struct exposition_entry entry;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + size, size, PROT_NONE), 0);
    for (size_t length = 0; length <= page.length; length++) {
        struct exposition_parser parser;
        char *beginning = map + size - length;
        memcpy(beginning, page.bytes, length);
        exposition_begin(&parser, format, (struct text){beginning, length});
        while (exposition_expect(&parser, page), exposition_next(&parser, &entry) > 0)
            ;
    }
    munmap(map, 2 * size);
}

#endif
