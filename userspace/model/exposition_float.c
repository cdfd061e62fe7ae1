/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of exposition text. Short decimals are computed exactly from integers (Clinger's fast
 * path); everything else goes to strtod, so that the bits are always strtod's. */
#include "model/exposition.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NORMAL_NAN_BITS UINT64_C(0x7ff8000000000001)

/* A double is decided by its first 767 significant digits and whether any digit follows them. */
#define MAX_DIGITS 800
#define MAX_MANTISSA_DIGITS 19 /* always fit a uint64_t */
#define MAX_EXPONENT 1000000000
#define MAX_EXACT_INTEGER (UINT64_C(1) << 53) /* has 16 digits: nothing was left out */

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define MAX_EXACT_POWER 22

struct decimal { /* mantissa * 10^exponent, its first 19 significant digits only */
    uint64_t mantissa;
    int64_t exponent;
    unsigned digits; /* significant ones in `mantissa` */
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *scan_digits(const char *at, const char *end, struct decimal *decimal,
                               bool fraction)
{
    for (; at < end && is_digit(*at); at++) {
        if (decimal->digits < MAX_MANTISSA_DIGITS) {
            decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(*at - '0');
            decimal->digits += decimal->mantissa != 0;
            decimal->exponent -= fraction;
        } else {
            decimal->exponent += !fraction;
        }
    }
    return at;
}

/* The exponent behind the e, or NULL where there is no digit. */
static const char *scan_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t exponent = 0;

    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++)
        if (exponent < MAX_EXPONENT)
            exponent = exponent * 10 + (*at - '0');
    *out = negative ? -exponent : exponent;
    return at;
}

static locale_t c_locale(void)
{
    static locale_t locale;
    if (!locale)
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return locale;
}

/* Digits and at most one point, too many for one copy: leading zeros go, and what follows
 * MAX_DIGITS is one digit that only says whether it is zero. */
static double parse_long(const char *at, const char *end, int64_t exponent)
{
    char copy[MAX_DIGITS + 32];
    size_t length = 0;
    bool fraction = false, rest = false;

    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
        } else if (length == MAX_DIGITS) {
            rest |= *at != '0';
            exponent += !fraction;
        } else {
            if (length || *at != '0')
                copy[length++] = *at;
            exponent -= fraction;
        }
    }
    if (!length)
        return 0;
    if (rest) {
        copy[length++] = '1';
        exponent--;
    }
    snprintf(copy + length, sizeof(copy) - length, "e%lld", (long long)exponent);
    return strtod_l(copy, NULL, c_locale());
}

static double parse_any(const char *at, const char *end, int64_t exponent)
{
    char copy[128];
    size_t length = (size_t)(end - at);

    if (length >= sizeof(copy))
        return parse_long(at, end, exponent);
    memcpy(copy, at, length);
    copy[length] = '\0';
    return strtod_l(copy, NULL, c_locale());
}

static int parse_word(struct text word, bool has_sign, double *out)
{
    if ((word.length == 3 && !strncasecmp(word.bytes, "inf", 3)) ||
        (word.length == 8 && !strncasecmp(word.bytes, "infinity", 8))) {
        *out = (double)INFINITY;
        return 0;
    }
    if (!has_sign && word.length == 3 && !strncasecmp(word.bytes, "nan", 3)) {
        uint64_t bits = NORMAL_NAN_BITS;
        memcpy(out, &bits, sizeof(*out));
        return 0;
    }
    return -EINVAL;
}

static int parse_decimal(const char *start, const char *end, double *out)
{
    struct decimal decimal = {0};
    int64_t exponent = 0;
    const char *at = scan_digits(start, end, &decimal, false);
    ptrdiff_t digits = at - start;

    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = scan_digits(fraction, end, &decimal, true);
        digits += at - fraction;
    }
    if (!digits)
        return -EINVAL;
    if (at < end && (*at == 'e' || *at == 'E'))
        at = scan_exponent(at + 1, end, &exponent);
    if (at != end)
        return -EINVAL;

    decimal.exponent += exponent;
    if (!decimal.mantissa) /* then no digit was left out either */
        *out = 0;
    else if (decimal.mantissa <= MAX_EXACT_INTEGER && decimal.exponent >= -MAX_EXACT_POWER &&
             decimal.exponent <= MAX_EXACT_POWER)
        *out = decimal.exponent < 0 ? (double)decimal.mantissa / exact_powers[-decimal.exponent]
                                    : (double)decimal.mantissa * exact_powers[decimal.exponent];
    else
        *out = parse_any(start, end, exponent);
    return isinf(*out) ? -ERANGE : 0;
}

int exposition_parse_float(struct text text, double *out)
{
    const char *at = text.bytes, *end = text.bytes + text.length;
    bool has_sign = false, negative = false;
    double value;

    if (at < end && (*at == '+' || *at == '-')) {
        has_sign = true;
        negative = *at++ == '-';
    }
    if (at == end)
        return -EINVAL;

    bool is_number = is_digit(*at) || *at == '.';
    int error = is_number ? parse_decimal(at, end, &value)
                          : parse_word((struct text){at, (size_t)(end - at)}, has_sign, &value);
    if (!error)
        *out = negative ? -value : value;
    return error;
}
