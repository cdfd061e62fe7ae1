/* SPDX-License-Identifier: Apache-2.0 */
/* Go's Regexp.Expand, the template taken apart once. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex_source.h"
#include "model/utf8.h"

#define NUMBER_LIMIT 100000000 /* Go's: larger ones are names */

struct piece {
    enum { PIECE_TEXT, PIECE_GROUP, PIECE_NAME } kind;
    struct text text; /* the text or the name */
    size_t group;
};

struct regex_template {
    const struct regex *regex;
    struct piece *pieces;
    size_t count;
    char bytes[];
};

static void add_piece(struct regex_template *template, struct piece piece)
{
    if (piece.kind == PIECE_GROUP && piece.group >= regex_group_count(template->regex))
        return; /* always empty */
    if (piece.kind != PIECE_TEXT || piece.text.length)
        template->pieces[template->count++] = piece;
}

/* Letters beyond ASCII are in no group's name, but end none either: `$1ä` is the group "1ä", which
 * there is not. */
static bool is_name_character(uint32_t rune, struct text character)
{
    static struct regex *letters;
    struct regex_error error;

    if (rune < 0x80)
        return (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') ||
               (rune >= 'a' && rune <= 'z') || rune == '_';
    if (!letters && regex_new(TEXT("[\\pL\\p{Nd}]"), &letters, &error))
        return false;
    return regex_match(letters, character);
}

static struct text take_name(struct text *rest)
{
    struct text name = {rest->bytes, 0};

    while (rest->length) {
        struct text next = *rest;
        uint32_t rune = utf8_take(&next);
        struct text character = {rest->bytes, rest->length - next.length};
        if (!is_name_character(rune, character))
            break;
        name.length += character.length;
        *rest = next;
    }
    return name;
}

/* A number without leading zeros, or SIZE_MAX. */
static size_t group_number(struct text name)
{
    size_t number = 0;

    if (name.length > 1 && name.bytes[0] == '0')
        return SIZE_MAX;
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] < '0' || name.bytes[i] > '9' || number >= NUMBER_LIMIT)
            return SIZE_MAX;
        number = number * 10 + (size_t)(name.bytes[i] - '0');
    }
    return number;
}

/* Behind a $ that is no $$. False where it names nothing: then it stands for itself. */
static bool take_reference(struct text *rest, struct piece *piece)
{
    struct text left = *rest;
    bool brace = text_take(&left, "{");
    struct text name = take_name(&left);

    if (!name.length || (brace && !text_take(&left, "}")))
        return false;
    *rest = left;
    size_t number = group_number(name);
    *piece = (struct piece){number == SIZE_MAX ? PIECE_NAME : PIECE_GROUP, name, number};
    return true;
}

static void take_pieces(struct regex_template *template, struct text rest)
{
    while (rest.length) {
        const char *dollar = memchr(rest.bytes, '$', rest.length);
        size_t before = dollar ? (size_t)(dollar - rest.bytes) : rest.length;
        add_piece(template, (struct piece){PIECE_TEXT, {rest.bytes, before}});
        rest = text_behind(rest, before);
        if (!dollar)
            return;
        struct piece piece = {PIECE_TEXT, {rest.bytes, 1}};
        rest = text_behind(rest, 1);
        if (!text_take(&rest, "$"))
            take_reference(&rest, &piece);
        add_piece(template, piece);
    }
}

int regex_template_new(const struct regex *regex, struct text text, struct regex_template **out)
{
    struct regex_template *template = calloc(1, sizeof(*template) + text.length);
    if (!template)
        return -ENOMEM;
    template->regex = regex;
    template->pieces = calloc(text.length + 1, sizeof(*template->pieces));
    if (!template->pieces) {
        regex_template_free(&template);
        return -ENOMEM;
    }
    memcpy(template->bytes, text.bytes, text.length);
    take_pieces(template, (struct text){template->bytes, text.length});
    *out = template;
    return 0;
}

void regex_template_free(struct regex_template **out)
{
    if (!*out)
        return;
    free((*out)->pieces);
    free(*out);
    *out = NULL;
}

/* Groups can share a name: the first that took part. */
static struct text named_group(const struct regex *regex, struct text matched, struct text name)
{
    for (size_t i = 1; i < regex_group_count(regex); i++) {
        struct text group = regex_group(regex, matched, i);
        if (group.bytes && text_equal(regex_group_name(regex, i), name))
            return group;
    }
    return (struct text){NULL, 0};
}

int regex_template_expand(const struct regex_template *template, struct text matched,
                          struct buffer *out)
{
    int error = 0;

    for (size_t i = 0; i < template->count && !error; i++) {
        const struct piece *piece = &template->pieces[i];
        struct text text = piece->text;
        if (piece->kind == PIECE_GROUP)
            text = regex_group(template->regex, matched, piece->group);
        else if (piece->kind == PIECE_NAME)
            text = named_group(template->regex, matched, piece->text);
        error = buffer_append_text(out, text);
    }
    return error;
}
