/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the digits by asking printf for ever more of them until strtod gives the same bits back,
 * then lays them out as Go does. Reading numbers is exposition.c. */
#include "model/float_text.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17     /* always enough for a double */
#define LEAST_EXPONENT -4 /* below it, and from MOST_EXPONENT on, the form is d.ddde+xx */
#define MOST_EXPONENT 6
#define MAX_PLACES 9
#define FRACTION_LIMIT 1e15 /* 15 digits: one decimal for each double, so it is the shortest */

/* digits[0].digits[1]... times ten to the exponent; no trailing zero unless it is the only digit */
struct decimal {
    char digits[MAX_DIGITS + 1];
    int count;
    int exponent;
};

static void decimal_trim(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
}

/* The common case without printf: a short decimal is an integer over a power of ten. Both are
 * exact, so their quotient is the double that the decimal reads as. */
static bool decimal_from_fraction(struct decimal *decimal, double value)
{
    double power = 1;
    for (int places = 0; places <= MAX_PLACES; places++, power *= 10) {
        double scaled = value * power;
        if (scaled >= FRACTION_LIMIT)
            return false;
        uint64_t integer = (uint64_t)(scaled + 0.5);
        if ((double)integer / power != value)
            continue;
        decimal->count = snprintf(decimal->digits, sizeof(decimal->digits), "%" PRIu64, integer);
        decimal->exponent = decimal->count - 1 - places;
        decimal_trim(decimal);
        return true;
    }
    return false;
}

/* Adds one to the last digit. */
static void decimal_increment(struct decimal *decimal)
{
    int i = decimal->count - 1;
    for (; i >= 0 && decimal->digits[i] == '9'; i--)
        decimal->digits[i] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
        return;
    }
    decimal->digits[0] = '1';
    decimal->exponent++;
}

static bool decimal_reads_as(const struct decimal *decimal, double value)
{
    char text[FLOAT_TEXT_SIZE];
    snprintf(text, sizeof(text), "%.*se%d", decimal->count, decimal->digits,
             decimal->exponent - (decimal->count - 1));
    return strtod(text, NULL) == value;
}

/* The nearest decimal of `count` digits. False where it does not read back as `value`. */
static bool decimal_with_digits(struct decimal *decimal, double value, int count)
{
    char text[FLOAT_TEXT_SIZE];
    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    decimal->digits[0] = text[0];
    if (count > 1)
        memcpy(decimal->digits + 1, text + 2, (size_t)count - 1);
    decimal->count = count;
    decimal->exponent = atoi(strchr(text, 'e') + 1);
    if (decimal_reads_as(decimal, value))
        return true;
    /* Below a power of two doubles lie twice as dense as above it, so the nearest decimal can miss
     * where the next one up does not: 2^-44 is 5.684341886080802e-14. */
    int exponent;
    if (frexp(value, &exponent) != 0.5)
        return false;
    decimal_increment(decimal);
    return decimal_reads_as(decimal, value);
}

/* `value` is finite and above zero. */
static void decimal_from_double(struct decimal *decimal, double value)
{
    if (decimal_from_fraction(decimal, value))
        return;
    /* A decimal of up to 15 digits survives the way through a normal double, so the shortest is
     * among the first 15 and trimming finds it; subnormal doubles hold fewer digits. */
    int count = value < DBL_MIN ? 1 : DBL_DIG;
    while (!decimal_with_digits(decimal, value, count) && count < MAX_DIGITS)
        count++;
    decimal_trim(decimal);
}

static char *put(char *at, const char *bytes, int length)
{
    memcpy(at, bytes, (size_t)length);
    return at + length;
}

static char *put_zeros(char *at, int count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

static char *put_scientific(char *at, const struct decimal *decimal)
{
    *at++ = decimal->digits[0];
    if (decimal->count > 1) {
        *at++ = '.';
        at = put(at, decimal->digits + 1, decimal->count - 1);
    }
    return at + sprintf(at, "e%+03d", decimal->exponent);
}

static char *put_positional(char *at, const struct decimal *decimal)
{
    int whole = decimal->exponent + 1; /* digits before the point */
    if (whole <= 0) {
        at = put(at, "0.", 2);
        at = put_zeros(at, -whole);
        return put(at, decimal->digits, decimal->count);
    }
    if (whole >= decimal->count) {
        at = put(at, decimal->digits, decimal->count);
        return put_zeros(at, whole - decimal->count);
    }
    at = put(at, decimal->digits, whole);
    *at++ = '.';
    return put(at, decimal->digits + whole, decimal->count - whole);
}

static size_t float_text_special(const char *word, char *out)
{
    strcpy(out, word);
    return strlen(word);
}

size_t float_text(double value, char out[FLOAT_TEXT_SIZE])
{
    if (isnan(value))
        return float_text_special("NaN", out);
    if (isinf(value))
        return float_text_special(value > 0 ? "+Inf" : "-Inf", out);
    char *at = out;
    if (signbit(value))
        *at++ = '-';
    struct decimal decimal = {.digits = "0", .count = 1};
    if (value != 0)
        decimal_from_double(&decimal, fabs(value));
    bool positional = decimal.exponent >= LEAST_EXPONENT && decimal.exponent < MOST_EXPONENT;
    at = positional ? put_positional(at, &decimal) : put_scientific(at, &decimal);
    *at = '\0';
    return (size_t)(at - out);
}

size_t float_text_openmetrics(double value, char out[FLOAT_TEXT_SIZE])
{
    if (value == 0)
        return float_text_special("0.0", out); /* -0 too, as Prometheus */
    size_t length = float_text(value, out);
    if (!isfinite(value) || strpbrk(out, ".e"))
        return length;
    strcpy(out + length, ".0");
    return length + 2;
}
