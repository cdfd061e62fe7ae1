/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of characters for our own programs: PCRE2 says what is in them, for ASCII once. */
#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "model/regex/regex_code.h"
#include "model/utf8.h"

#define ASCII 128
#define PATTERN_MAX (2 * REGEX_MAX_PATTERN)

struct regex_set {
    const struct regex_node *node; /* while the program is being made */
    pcre2_code *code;
    pcre2_match_data *match;
    bool ascii[ASCII];
};

static bool asks(const struct regex_set *set, uint32_t rune)
{
    char bytes[UTF8_MAX_LENGTH];
    size_t length = utf8_put(rune, bytes);
    return pcre2_match(set->code, (PCRE2_SPTR)bytes, length, 0, PCRE2_NO_UTF_CHECK, set->match,
                       NULL) > 0;
}

static int set_init(struct regex_set *set, const struct regex_tree *tree,
                    const struct regex_node *node)
{
    autobuffer struct buffer pattern;
    int code;
    PCRE2_SIZE offset;

    buffer_init(&pattern, PATTERN_MAX);
    regex_emit_character(tree, node, &pattern);
    if (pattern.failed)
        return -ENOMEM;
    *set = (struct regex_set){.node = node};
    set->code = pcre2_compile((PCRE2_SPTR)pattern.bytes, pattern.length, PCRE2_UTF | PCRE2_DOTALL,
                              &code, &offset, NULL);
    set->match = set->code ? pcre2_match_data_create_from_pattern(set->code, NULL) : NULL;
    if (!set->match) {
        pcre2_code_free(set->code);
        return -ENOMEM;
    }
    for (uint32_t rune = 0; rune < ASCII; rune++)
        set->ascii[rune] = asks(set, rune);
    return 0;
}

static bool is_same(const struct regex_tree *tree, const struct regex_node *a,
                    const struct regex_node *b)
{
    const char *text = tree->classes.bytes;
    return a->set.fold == b->set.fold && a->set.length == b->set.length &&
           !memcmp(text + a->set.text, text + b->set.text, a->set.length);
}

int regex_set_find(struct regex_program *program, const struct regex_node *node, uint32_t *out)
{
    for (*out = 0; *out < program->set_count; ++*out)
        if (is_same(program->tree, program->sets[*out].node, node))
            return 0;
    struct regex_set *sets =
        reallocarray(program->sets, program->set_count + 1, sizeof(*program->sets));
    if (!sets)
        return -ENOMEM;
    program->sets = sets;
    int error = set_init(&sets[program->set_count], program->tree, node);
    program->set_count += !error;
    return error;
}

bool regex_set_has(struct regex_program *program, uint32_t set, uint32_t rune)
{
    const struct regex_set *found = &program->sets[set];
    return rune < ASCII ? found->ascii[rune] : asks(found, rune);
}

void regex_sets_free(struct regex_program *program)
{
    for (uint32_t i = 0; i < program->set_count; i++) {
        pcre2_match_data_free(program->sets[i].match);
        pcre2_code_free(program->sets[i].code);
    }
    free(program->sets);
}
