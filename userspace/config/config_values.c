/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, booleans, numbers, URLs and header fields as Prometheus writes them. Knows no
 * keys and no places: callers say what a bad value was meant for. */
#include "config/config_values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

int config_uint_parse(struct text text, uint64_t *out)
{
    int err = text_take_uint(&text, out);
    return err ? err : text.length ? -EINVAL : 0;
}

/* Underscores behind the first digit mean nothing. -EINVAL where it is longer than any number. */
static int copy_digits(struct text text, char *out, size_t size)
{
    size_t length = 0;
    if (!text.length || !isdigit((unsigned char)text.bytes[0]))
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '_')
            continue;
        if (length + 1 == size)
            return -EINVAL;
        out[length++] = text.bytes[i];
    }
    out[length] = '\0';
    return 0;
}

static int parse_digits(const char *digits, int base, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(digits, &end, base);
    return errno ? -ERANGE : !isxdigit((unsigned char)*digits) || *end ? -EINVAL : 0;
}

int config_count_parse(struct text text, uint64_t *out)
{
    char digits[64];
    double value;

    text_take(&text, "+");
    if (copy_digits(text, digits, sizeof(digits)))
        return -EINVAL;
    bool prefixed = digits[0] == '0' && isalpha((unsigned char)digits[1]);
    int base = !prefixed          ? digits[0] == '0' ? 8 : 10
               : digits[1] == 'x' ? 16
               : digits[1] == 'o' ? 8
               : digits[1] == 'b' ? 2
                                  : 0;
    if (!base)
        return -EINVAL;
    int error = parse_digits(digits + (prefixed ? 2 : 0), base, out);
    if (error != -EINVAL || prefixed)
        return error;
    error = config_float_parse(text_of(digits), &value);
    if (error)
        return error;
    if (value != floor(value))
        return -EINVAL;
    if (value >= 0x1p64)
        return -ERANGE;
    *out = (uint64_t)value;
    return 0;
}

/* --- sizes --- */

/* "B" is 0, "KB" and "KiB" are 10, ...; -1 where there is no unit. */
static int take_size_shift(struct text *text)
{
    static const char prefixes[] = "KMGTPE";
    if (text_take(text, "B"))
        return 0;
    const char *prefix =
        text->length ? memchr(prefixes, text->bytes[0], sizeof(prefixes) - 1) : NULL;
    if (!prefix)
        return -1;
    text->bytes++;
    text->length--;
    if (!text_take(text, "iB") && !text_take(text, "B"))
        return -1;
    return 10 * (int)(prefix - prefixes + 1);
}

/* The digits after a point, as a fraction of one. */
static double take_fraction(struct text *text)
{
    double fraction = 0, digit_value = 0.1;
    for (; text->length && isdigit((unsigned char)text->bytes[0]); text->bytes++, text->length--) {
        fraction += (text->bytes[0] - '0') * digit_value;
        digit_value /= 10;
    }
    return fraction;
}

int config_size_parse(struct text text, uint64_t *out_bytes)
{
    uint64_t total = 0;
    if (text_equal(text, TEXT("0"))) {
        *out_bytes = 0;
        return 0;
    }
    if (text.length == 0)
        return -EINVAL;
    while (text.length) {
        uint64_t number;
        int err = text_take_uint(&text, &number);
        if (err)
            return err;
        double fraction = text_take(&text, ".") ? take_fraction(&text) : 0;
        int shift = take_size_shift(&text);
        if (shift < 0)
            return -EINVAL;
        uint64_t part = (uint64_t)(fraction * (double)(UINT64_C(1) << shift));
        if (__builtin_mul_overflow(number, UINT64_C(1) << shift, &number) ||
            __builtin_add_overflow(total, number, &total) ||
            __builtin_add_overflow(total, part, &total) || total > INT64_MAX)
            return -ERANGE;
    }
    *out_bytes = total;
    return 0;
}

/* --- booleans and numbers --- */

int config_bool_parse(struct text text, bool *out)
{
    static const char *const words[2][4] = {{"false", "no", "off", "n"},
                                            {"true", "yes", "on", "y"}};
    static const size_t longest = sizeof("false") - 1;
    char lower[8] = "";
    if (text.length == 0 || text.length > longest)
        return -EINVAL;
    bool capitals = text.length > 1 && isupper((unsigned char)text.bytes[1]);
    for (size_t i = 0; i < text.length; i++) {
        if (i > 0 && (isupper((unsigned char)text.bytes[i]) != 0) != capitals)
            return -EINVAL; /* tRUE, TRue */
        lower[i] = (char)tolower((unsigned char)text.bytes[i]);
    }
    if (capitals && !isupper((unsigned char)text.bytes[0]))
        return -EINVAL;
    for (size_t value = 0; value < 2; value++)
        for (size_t i = 0; i < ARRAY_SIZE(words[value]); i++)
            if (strcmp(lower, words[value][i]) == 0) {
                *out = value;
                return 0;
            }
    return -EINVAL;
}

int config_float_parse(struct text text, double *out)
{
    char digits[64];
    if (text.length == 0 || text.length >= sizeof(digits))
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++)
        if (!strchr("0123456789+-.eE", text.bytes[i]) || text.bytes[i] == '\0')
            return -EINVAL; /* spaces, hex, inf and nan, which strtod takes */
    memcpy(digits, text.bytes, text.length);
    digits[text.length] = '\0';
    char *end;
    double value = strtod(digits, &end);
    if (end == digits || *end)
        return -EINVAL;
    if (!isfinite(value))
        return -ERANGE;
    *out = value;
    return 0;
}

/* --- URLs and header fields --- */

static bool port_is_legal(struct text text)
{
    uint64_t port;
    return text.length == 0 || (config_uint_parse(text, &port) == 0 && port <= UINT16_MAX);
}

/* Those that libcurl takes for no part of a name. */
static bool name_is_legal(struct text name)
{
    for (size_t i = 0; i < name.length; i++)
        if (strchr("!@{}[]\\$'\"^`*<>=;,+&()%|", name.bytes[i]))
            return false;
    return true;
}

/* What stands between "://" and the path, less the user's name and password. */
static const char *host_fault(struct text host)
{
    struct text port = {0};
    const char *colon;
    if (host.length && host.bytes[0] == '[') {
        const char *closing = memchr(host.bytes, ']', host.length);
        if (!closing || closing == host.bytes + 1)
            return "has a broken IPv6 address; write http://[::1]:9090/...";
        port = (struct text){closing + 1, (size_t)(host.bytes + host.length - closing - 1)};
        if (port.length && port.bytes[0] != ':')
            return "has something other than a port after its IPv6 address";
        colon = port.length ? port.bytes : NULL;
    } else {
        colon = memchr(host.bytes, ':', host.length);
        if (colon == host.bytes || host.length == 0)
            return "has no host name";
        if (!name_is_legal(
                (struct text){host.bytes, colon ? (size_t)(colon - host.bytes) : host.length}))
            return "has a character in its host name that no host's name has";
    }
    if (colon) {
        port = (struct text){colon + 1, (size_t)(host.bytes + host.length - colon - 1)};
        if (!port_is_legal(port))
            return "has a port that is no number from 0 to 65535";
    }
    return NULL;
}

const char *config_url_fault(struct text text)
{
    if (text.length == 0)
        return "is empty";
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] <= ' ' || text.bytes[i] == 0x7f)
            return "has a space or a control character in it";
    bool is_http = text.length >= 7 && strncasecmp(text.bytes, "http://", 7) == 0;
    bool is_https = text.length >= 8 && strncasecmp(text.bytes, "https://", 8) == 0;
    if (!is_http && !is_https)
        return "must begin with http:// or https://";

    struct text host = {text.bytes + (is_https ? 8 : 7), text.length - (is_https ? 8 : 7)};
    for (size_t i = 0; i < host.length; i++)
        if (strchr("/?#", host.bytes[i]))
            host.length = i;
    const char *user_end = host.length ? memrchr(host.bytes, '@', host.length) : NULL;
    if (user_end) {
        host.length -= (size_t)(user_end + 1 - host.bytes);
        host.bytes = user_end + 1;
    }
    return host_fault(host);
}

bool config_header_name_is_legal(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isalnum((unsigned char)text.bytes[i]) && !strchr("!#$%&'*+-.^_`|~", text.bytes[i]))
            return false;
    return text.length > 0;
}

bool config_header_value_is_legal(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (((unsigned char)text.bytes[i] < ' ' && text.bytes[i] != '\t') || text.bytes[i] == 0x7f)
            return false;
    return true;
}

/* --- suggestions --- */

#define MAX_COMPARED 64 /* longer keys are compared by their beginning */

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

unsigned config_edit_distance(const char *a, const char *b, unsigned limit)
{
    size_t rows = strnlen(a, MAX_COMPARED), columns = strnlen(b, MAX_COMPARED);
    unsigned cost[3][MAX_COMPARED + 1]; /* the row before the last, the last, this one */
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = cost[1][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        cost[2][0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            cost[2][j] = smallest(cost[1][j] + 1, cost[2][j - 1] + 1,
                                  cost[1][j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && cost[0][j - 2] + 1 < cost[2][j])
                cost[2][j] = cost[0][j - 2] + 1;
        }
        memcpy(cost[0], cost[1], sizeof(cost[0]));
        memcpy(cost[1], cost[2], sizeof(cost[1]));
    }
    return cost[1][columns] < limit ? cost[1][columns] : limit;
}
