/* SPDX-License-Identifier: Apache-2.0 */
/* termios and ANSI sequences. Ctrl-C and Ctrl-Z stay signals. */
#include "top/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

#define OTHER_SCREEN "\033[?1049h\033[?25l\033[?7l" /* no cursor, no wrapping */
#define OWN_SCREEN "\033[?7h\033[?25h\033[?1049l"

static struct termios saved;
static bool entered;

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int terminal_enter(void)
{
    static bool registered;
    struct termios keys;

    if (entered)
        return 0;
    if (tcgetattr(STDIN_FILENO, &saved) < 0)
        return -errno;
    if (!registered && atexit(terminal_leave) == 0)
        registered = true;
    keys = saved;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    keys.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys) < 0)
        return -errno;
    entered = true;
    terminal_write(OTHER_SCREEN, sizeof(OTHER_SCREEN) - 1);
    return 0;
}

void terminal_leave(void)
{
    if (!entered)
        return;
    entered = false;
    terminal_write(OWN_SCREEN, sizeof(OWN_SCREEN) - 1);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

void terminal_size(size_t *lines, size_t *columns)
{
    struct winsize size = {0};

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *lines = size.ws_row ? size.ws_row : 24;
    *columns = size.ws_col ? size.ws_col : 80;
}

void terminal_write(const char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(STDOUT_FILENO, bytes, length);
        if (written < 0 && errno == EAGAIN)
            poll(&(struct pollfd){STDOUT_FILENO, POLLOUT, 0}, 1, -1);
        else if (written < 0 && errno != EINTR)
            return; /* the terminal has gone: its hangup ends the process */
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
}

/* ---- keys ---- */

static const struct {
    const char *sequence; /* after the escape */
    int key;
} sequences[] = {
    {"[A", KEY_UP},         {"OA", KEY_UP},    {"[B", KEY_DOWN}, {"OB", KEY_DOWN},
    {"[C", KEY_RIGHT},      {"OC", KEY_RIGHT}, {"[D", KEY_LEFT}, {"OD", KEY_LEFT},
    {"[5~", KEY_PAGE_UP},   {"[H", KEY_HOME},  {"OH", KEY_HOME}, {"[1~", KEY_HOME},
    {"[6~", KEY_PAGE_DOWN}, {"[F", KEY_END},   {"OF", KEY_END},  {"[4~", KEY_END},
};

/* Bytes of the sequence after an escape: parameters, then one letter or tilde. */
static size_t sequence_length(const char *bytes, size_t length)
{
    size_t end = 1;

    if (bytes[0] != '[' && bytes[0] != 'O')
        return 0;
    while (end < length && bytes[end] >= 0x20 && bytes[end] < 0x40)
        end++;
    return end < length ? end + 1 : length;
}

int terminal_take_key(const char **bytes, size_t *length)
{
    if (!*length)
        return KEY_NONE;
    int key = (unsigned char)**bytes;
    size_t taken = 1;
    size_t sequence =
        key == KEY_ESCAPE && *length > 1 ? sequence_length(*bytes + 1, *length - 1) : 0;

    if (sequence) {
        key = KEY_OTHER;
        for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
            if (strlen(sequences[i].sequence) == sequence &&
                memcmp(*bytes + 1, sequences[i].sequence, sequence) == 0)
                key = sequences[i].key;
        }
        taken += sequence;
    }
    if (key == '\n')
        key = KEY_ENTER;
    if (key == '\b')
        key = KEY_BACKSPACE;
    *bytes += taken;
    *length -= taken;
    return key ? key : KEY_OTHER;
}
