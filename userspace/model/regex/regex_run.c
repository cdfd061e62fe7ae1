/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program: backtracking that is nowhere twice, so that its time is bounded. The first way
 * that leads to the end is the one that RE2 takes. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex_code.h"
#include "model/utf8.h"

#define NO_SLOT UINT32_MAX
#define KEPT_BYTES (64 * 1024) /* of the memory of a run */

static int push(struct regex_program *program, struct regex_job job)
{
    if (program->job_count == program->job_capacity) {
        size_t capacity = program->job_capacity ? program->job_capacity * 2 : 64;
        void *jobs = reallocarray(program->jobs, capacity, sizeof(*program->jobs));
        if (!jobs)
            return -ENOMEM;
        program->jobs = jobs;
        program->job_capacity = capacity;
    }
    program->jobs[program->job_count++] = job;
    return 0;
}

static bool is_word(struct text text, size_t place)
{
    if (place >= text.length)
        return false;
    char c = text.bytes[place];
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool holds(enum regex_assertion assertion, struct text text, size_t place)
{
    bool edge = (place > 0 && is_word(text, place - 1)) != is_word(text, place);

    switch (assertion) {
    case REGEX_TEXT_BEGIN:
        return place == 0;
    case REGEX_TEXT_END:
        return place == text.length;
    case REGEX_LINE_BEGIN:
        return place == 0 || text.bytes[place - 1] == '\n';
    case REGEX_LINE_END:
        return place == text.length || text.bytes[place] == '\n';
    case REGEX_WORD_EDGE:
        return edge;
    case REGEX_NO_WORD_EDGE:
        return !edge;
    }
    return false;
}

/* Whether it is the first time. */
static bool visit(struct regex_program *program, const struct regex_job *job)
{
    uint64_t number = (uint64_t)job->place * program->count + job->at;
    uint64_t bit = UINT64_C(1) << number % 64;
    bool first = !(program->visited[number / 64] & bit);

    program->visited[number / 64] |= bit;
    return first;
}

/* Takes a character off the text. */
static bool take(struct regex_program *program, const struct regex_instruction *instruction,
                 struct text text, size_t *place)
{
    struct text rest = text_behind(text, *place);
    if (!rest.length)
        return false;
    uint32_t rune = utf8_take(&rest);
    *place = text.length - rest.length;
    return instruction->op == REGEX_RUNE ? rune == instruction->rune
                                         : regex_set_has(program, instruction->set, rune);
}

/* Follows one way to its end: 1 matches, 0 does not, -ENOMEM or -E2BIG. What was left aside is in
 * the jobs. */
static int follow(struct regex_program *program, struct regex_job job, struct text text,
                  size_t *offsets)
{
    while (visit(program, &job)) {
        const struct regex_instruction *instruction = &program->code[job.at];
        struct regex_job aside = {.slot = NO_SLOT, .place = job.place};
        bool on = true;
        int error = 0;

        if (++program->visits > REGEX_PROGRAM_MAX_VISITS)
            return -E2BIG;
        job.at = instruction->next;
        switch (instruction->op) {
        case REGEX_RUNE:
        case REGEX_SET:
            on = take(program, instruction, text, &job.place);
            break;
        case REGEX_ASSERT:
            on = holds(instruction->assertion, text, job.place);
            break;
        case REGEX_SAVE:
            aside.slot = instruction->slot;
            aside.place = offsets[instruction->slot];
            error = push(program, aside);
            offsets[instruction->slot] = job.place;
            break;
        case REGEX_SPLIT:
            aside.at = instruction->other;
            error = push(program, aside);
            break;
        case REGEX_MATCH:
            if (job.place == text.length)
                return 1;
            on = false;
        }
        if (error || !on)
            return error;
    }
    return 0;
}

/* Nothing is visited yet. A large one is new each time: of it the kernel gives only the pages that
 * are visited. */
static int prepare_visited(struct regex_program *program, uint64_t states)
{
    size_t bytes = (states / 64 + 1) * sizeof(*program->visited);

    program->visits = 0;
    if (program->visited && bytes <= program->visited_bytes) {
        memset(program->visited, 0, bytes);
        return 0;
    }
    free(program->visited);
    program->visited_bytes = bytes;
    program->visited = calloc(1, bytes);
    return program->visited ? 0 : -ENOMEM;
}

static void keep_little(struct regex_program *program)
{
    if (program->visited_bytes > KEPT_BYTES)
        free(TAKE_PTR(program->visited));
    if (program->job_capacity * sizeof(*program->jobs) > KEPT_BYTES) {
        free(TAKE_PTR(program->jobs));
        program->job_capacity = 0;
    }
}

int regex_program_run(struct regex_program *program, struct text text, size_t *offsets)
{
    uint64_t states = (uint64_t)(text.length + 1) * program->count;

    if (states > REGEX_PROGRAM_MAX_STATES)
        return -E2BIG;
    int result = prepare_visited(program, states);
    if (result)
        return result;
    for (size_t i = 0; i < program->slot_count; i++)
        offsets[i] = REGEX_UNSET;
    program->job_count = 0;
    result = push(program, (struct regex_job){.at = program->start, .slot = NO_SLOT});
    while (result == 0 && program->job_count) {
        struct regex_job job = program->jobs[--program->job_count];
        if (job.slot == NO_SLOT)
            result = follow(program, job, text, offsets);
        else
            offsets[job.slot] = job.place;
    }
    offsets[0] = 0;
    offsets[1] = text.length;
    keep_little(program);
    return result;
}
