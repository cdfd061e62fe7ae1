/* SPDX-License-Identifier: Apache-2.0 */
/* From keys to the screen's state. */
#include "top/top_keys.h"

#include "base/cleanup.h"
#include "top/terminal.h"

static void filter_key(struct top_screen *screen, int key)
{
    size_t length = strlen(screen->filter);

    if (key == KEY_ENTER || key == KEY_ESCAPE) {
        screen->typing = false;
        if (key == KEY_ESCAPE)
            screen->filter[0] = '\0';
    } else if (key == KEY_BACKSPACE) {
        while (length && ((unsigned char)screen->filter[length - 1] & 0xc0) == 0x80)
            length--;
        screen->filter[length ? length - 1 : 0] = '\0';
    } else if (key >= ' ' && key <= 0xff && length + 1 < sizeof(screen->filter)) {
        screen->filter[length] = (char)key;
        screen->filter[length + 1] = '\0';
    }
    screen->first = 0;
}

static const char *next_grouping(const char *by)
{
    static const char *const groupings[] = {"namespace,pod,container", "route", "host",
                                            "method,status"};
    if (!by)
        return groupings[0];
    for (size_t i = 0; i + 1 < ARRAY_SIZE(groupings); i++) {
        if (strcmp(by, groupings[i]) == 0)
            return groupings[i + 1];
    }
    return NULL;
}

/* Stops at either end of the table: drawing holds it there. */
static void scroll_key(struct top_screen *screen, int key, size_t page)
{
    size_t back = key == KEY_UP ? 1 : key == KEY_PAGE_UP ? page : key == KEY_HOME ? SIZE_MAX : 0;
    size_t ahead = key == KEY_DOWN ? 1 : key == KEY_PAGE_DOWN ? page : 0;

    if (key == KEY_END)
        screen->first = SIZE_MAX / 2;
    else
        screen->first = (back < screen->first ? screen->first - back : 0) + ahead;
}

bool top_key(struct top_screen *screen, int key, size_t lines)
{
    struct top_view *view = &screen->view;

    if (screen->typing) {
        filter_key(screen, key);
        return true;
    }
    switch (key) {
    case 'q':
        return false;
    case KEY_LEFT:
    case '<':
        view->sort = (view->sort + TOP_COLUMNS - 1) % TOP_COLUMNS;
        break;
    case KEY_RIGHT:
    case '>':
        view->sort = (view->sort + 1) % TOP_COLUMNS;
        break;
    case 'r':
        view->reverse = !view->reverse;
        break;
    case 'c':
        view->role = view->role == TOP_SERVER ? TOP_CLIENT : TOP_SERVER;
        break;
    case 'b':
        view->by = next_grouping(view->by);
        break;
    case '/':
        screen->typing = true;
        break;
    case KEY_ESCAPE:
        screen->filter[0] = '\0';
        screen->help = false;
        break;
    case ' ':
        screen->paused = !screen->paused;
        break;
    case 'h':
    case '?':
        screen->help = !screen->help;
        break;
    default:
        scroll_key(screen, key, top_screen_room(lines));
    }
    return true;
}
