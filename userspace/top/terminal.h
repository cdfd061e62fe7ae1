/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal on standard input and output: keys one by one, the other screen, its size. A few
 * sequences that every terminal of today has; knows nothing of what is drawn. */
#ifndef EDGEMETER_TOP_TERMINAL_H
#define EDGEMETER_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum terminal_key { /* others are the bytes themselves */
                    KEY_NONE = 0,
                    KEY_TAB = '\t',
                    KEY_ENTER = '\r',
                    KEY_ESCAPE = 27,
                    KEY_BACKSPACE = 127,
                    KEY_UP = 256,
                    KEY_DOWN,
                    KEY_LEFT,
                    KEY_RIGHT,
                    KEY_PAGE_UP,
                    KEY_PAGE_DOWN,
                    KEY_HOME,
                    KEY_END,
                    KEY_OTHER /* a sequence that is none of these */
};

/* Whether there is one on both ends. */
bool terminal_is_there(void);
/* Keys come at once and unseen, and the other screen is shown. Undone by terminal_leave(), and when
 * the process exits. 0 or a negative errno. */
int terminal_enter(void);
void terminal_leave(void);
/* 24 lines of 80 columns where the terminal does not say. */
void terminal_size(size_t *lines, size_t *columns);
/* Writes all of it. */
void terminal_write(const char *bytes, size_t length);

/* Takes a key off the front of what was typed; KEY_NONE where there is no more. */
int terminal_take_key(const char **bytes, size_t *length);

#endif
