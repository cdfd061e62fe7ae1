/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept from sample to sample while an answer is written, and the labels that each gets. For
 * the writers of the formats alone. */
#ifndef EDGEMETER_SERVE_FEDERATE_WRITER_H
#define EDGEMETER_SERVE_FEDERATE_WRITER_H

#include "model/labels.h"
#include "serve/federate_format.h"

struct federate_writer {
    const struct federate_format *format;
    struct labels *external_labels; /* a copy; NULL: none */
    struct label *external;         /* they, with an `instance`, "" where they have none; by name */
    size_t external_count;
    struct buffer name;         /* of the present family */
    struct buffer written_name; /* text: as it stands there, escaped or quoted */
    int family_type;            /* protobuf: of the family in the making */
    struct buffer family;       /* protobuf: its metrics so far */
    struct buffer metric;       /* protobuf: the one in the making */
};

int federate_writer_init(struct federate_writer *writer, const struct federate_format *format,
                         const struct labels *external_labels);
void federate_writer_free(struct federate_writer *writer);

/* The labels of a series in their order: its own, then those of the server that it has not. */
struct federate_labels {
    const struct federate_writer *writer;
    const struct labels *own;
    struct label_cursor cursor;
    size_t next; /* of the server's */
    struct label label;
};
struct federate_labels federate_labels_first(const struct federate_writer *writer,
                                             const struct labels *own);
bool federate_labels_next(struct federate_labels *at);

#endif
