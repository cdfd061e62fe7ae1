/* SPDX-License-Identifier: Apache-2.0 */
/* Character by character, as Prometheus' common/model does it. */
#include "serve/name_escaping.h"

#include "model/labels.h"
#include "model/utf8.h"

const char *const name_escaping_names[NAME_ESCAPINGS] = {
    [NAMES_UNDERSCORES] = "underscores",
    [NAMES_AS_THEY_ARE] = "allow-utf-8",
    [NAMES_DOTS] = "dots",
    [NAMES_VALUES] = "values",
};

static bool is_legal(struct text name, bool is_label)
{
    return is_label ? label_name_is_legal(name) : metric_name_is_legal(name);
}

/* At its place in the name. */
static bool is_legal_rune(uint32_t rune, bool first, bool is_label)
{
    return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
           (rune == ':' && !is_label) || (rune >= '0' && rune <= '9' && !first);
}

static void append_underscores(uint32_t rune, bool legal, struct buffer *out)
{
    buffer_append_char(out, legal ? (char)rune : '_');
}

static void append_dots(uint32_t rune, bool legal, struct buffer *out)
{
    if (rune == '_')
        buffer_append_string(out, "__");
    else if (rune == '.')
        buffer_append_string(out, "_dot_");
    else if (legal)
        buffer_append_char(out, (char)rune);
    else
        buffer_append_string(out, "__");
}

static void append_values(uint32_t rune, bool legal, struct buffer *out)
{
    if (rune == '_')
        buffer_append_string(out, "__");
    else if (legal)
        buffer_append_char(out, (char)rune);
    else
        buffer_printf(out, "_%x_", rune);
}

bool name_escape(enum name_escaping escaping, struct text name, bool is_label, struct buffer *out)
{
    static void (*const appends[NAME_ESCAPINGS])(uint32_t rune, bool legal, struct buffer *out) = {
        [NAMES_UNDERSCORES] = append_underscores,
        [NAMES_DOTS] = append_dots,
        [NAMES_VALUES] = append_values,
    };
    bool legal = is_legal(name, is_label), first = true;

    if (escaping == NAMES_AS_THEY_ARE || legal || !utf8_is_valid(name)) {
        buffer_append_text(out, name);
        return !legal;
    }
    if (escaping == NAMES_VALUES)
        buffer_append_string(out, "U__");
    while (name.length) {
        uint32_t rune = utf8_take(&name);
        appends[escaping](rune, is_legal_rune(rune, first, is_label), out);
        first = false;
    }
    return false;
}
