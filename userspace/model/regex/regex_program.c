/* SPDX-License-Identifier: Apache-2.0 */
/* From a tree to instructions, as Go's regexp compiles them: that decides which of several ways to
 * match is taken. A fragment is written for what follows it, so that no jumps are patched. */
#include "model/regex/regex_program.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex_code.h"

static int emit(struct regex_program *program, const struct regex_node *node, uint32_t next,
                uint32_t *entry);

static int add(struct regex_program *program, struct regex_instruction instruction, uint32_t *at)
{
    if (program->count == REGEX_PROGRAM_MAX)
        return -E2BIG;
    if (program->count == program->capacity) {
        uint32_t capacity = program->capacity ? program->capacity * 2 : 64;
        void *code = realloc(program->code, capacity * sizeof(*program->code));
        if (!code)
            return -ENOMEM;
        program->code = code;
        program->capacity = capacity;
    }
    *at = program->count++;
    program->code[*at] = instruction;
    return 0;
}

/* Tries `body` first, or last where it is lazy. */
static int add_split(struct regex_program *program, uint32_t body, uint32_t beside, bool lazy,
                     uint32_t *at)
{
    return add(program,
               (struct regex_instruction){
                   .op = REGEX_SPLIT,
                   .next = lazy ? beside : body,
                   .other = lazy ? body : beside,
               },
               at);
}

/* --- repetition --- */

/* body+: gives where the first round begins, and where each is decided upon. */
static int emit_rounds(struct regex_program *program, const struct regex_node *node, uint32_t next,
                       uint32_t *body, uint32_t *decision)
{
    int error = add_split(program, 0, next, node->repeat.lazy, decision);
    if (!error)
        error = emit(program, node->first, *decision, body);
    if (error)
        return error;
    struct regex_instruction *split = &program->code[*decision];
    *(node->repeat.lazy ? &split->other : &split->next) = *body;
    return 0;
}

/* What can be empty is (body+)? as in Go, so that its first round may be. */
static int emit_star(struct regex_program *program, const struct regex_node *node, uint32_t next,
                     uint32_t *entry)
{
    uint32_t body, decision;

    int error = emit_rounds(program, node, next, &body, &decision);
    if (error || !node->first->nullable) {
        *entry = decision;
        return error;
    }
    return add_split(program, body, next, node->repeat.lazy, entry);
}

/* {n,m}: n times, then (body(body(...)?)?)? */
static int emit_repeat(struct regex_program *program, const struct regex_node *node, uint32_t next,
                       uint32_t *entry)
{
    int least = node->repeat.least, most = node->repeat.most, error = 0;
    uint32_t body, decision;

    *entry = next;
    if (most < 0 && least == 0)
        return emit_star(program, node, next, entry);
    if (most < 0) {
        error = emit_rounds(program, node, next, entry, &decision);
        least--;
    }
    for (int i = least; i < most && !error; i++) {
        error = emit(program, node->first, *entry, &body);
        if (!error)
            error = add_split(program, body, next, node->repeat.lazy, entry);
    }
    for (int i = 0; i < least && !error; i++)
        error = emit(program, node->first, *entry, entry);
    return error;
}

/* --- the rest --- */

static int emit_capture(struct regex_program *program, const struct regex_node *node, uint32_t next,
                        uint32_t *entry)
{
    struct regex_instruction save = {.op = REGEX_SAVE, .slot = 2 * node->group + 1, .next = next};

    int error = add(program, save, entry);
    if (!error)
        error = emit(program, node->first, *entry, entry);
    save.slot--;
    save.next = *entry;
    return error ? error : add(program, save, entry);
}

static int emit_alternatives(struct regex_program *program, const struct regex_node *node,
                             uint32_t next, uint32_t *entry)
{
    int error = emit(program, node->last, next, entry);
    for (const struct regex_node *child = node->last->previous; child && !error;
         child = child->previous) {
        uint32_t rest = *entry;
        error = emit(program, child, next, entry);
        if (!error)
            error = add_split(program, *entry, rest, false, entry);
    }
    return error;
}

static int emit(struct regex_program *program, const struct regex_node *node, uint32_t next,
                uint32_t *entry)
{
    struct regex_instruction instruction = {.next = next};
    int error = 0;

    switch (node->kind) {
    case REGEX_LITERAL:
        instruction.op = REGEX_RUNE;
        instruction.rune = node->rune;
        return add(program, instruction, entry);
    case REGEX_CLASS:
        instruction.op = REGEX_SET;
        error = regex_set_find(program, node, &instruction.set);
        return error ? error : add(program, instruction, entry);
    case REGEX_ASSERTION:
        instruction.op = REGEX_ASSERT;
        instruction.assertion = node->assertion;
        return add(program, instruction, entry);
    case REGEX_CAPTURE:
        return emit_capture(program, node, next, entry);
    case REGEX_REPEAT:
        return emit_repeat(program, node, next, entry);
    case REGEX_ALTERNATE:
        return emit_alternatives(program, node, next, entry);
    case REGEX_CONCAT:
        *entry = next;
        for (const struct regex_node *child = node->last; child && !error; child = child->previous)
            error = emit(program, child, *entry, entry);
    }
    return error;
}

int regex_program_new(const struct regex_tree *tree, struct regex_program **out)
{
    __attribute__((cleanup(regex_program_free))) struct regex_program *program =
        calloc(1, sizeof(*program));
    uint32_t match;

    if (!program)
        return -ENOMEM;
    program->tree = tree;
    program->slot_count = 2 * tree->group_count;
    int error = add(program, (struct regex_instruction){.op = REGEX_MATCH}, &match);
    if (!error)
        error = emit(program, tree->root, match, &program->start);
    program->tree = NULL;
    if (!error)
        *out = TAKE_PTR(program);
    return error;
}

void regex_program_free(struct regex_program **out)
{
    struct regex_program *program = *out;
    if (!program)
        return;
    regex_sets_free(program);
    free(program->code);
    free(program->visited);
    free(program->jobs);
    free(program);
    *out = NULL;
}
