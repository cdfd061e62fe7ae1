/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's instruction (SSE 4.2, ARMv8 CRC), else eight tables, which are made at their first use.
 */
#include "base/crc32c.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t tables[8][256];

/* tables[0] is one byte's step; tables[k] the same with k zero bytes behind it. */
static void tables_fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
}

static uint64_t load_eight(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    if (!tables[0][1])
        tables_fill();
    crc = ~crc;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word = load_eight(at) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++)
            crc ^= tables[7 - k][word >> 8 * k & 0xff];
    }
    while (length--)
        crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *at,
                                                                  size_t length)
{
    uint64_t sum = ~crc;
    for (; length >= 8; length -= 8, at += 8)
        sum = __builtin_ia32_crc32di(sum, load_eight(at));
    crc = (uint32_t)sum;
    while (length--)
        crc = __builtin_ia32_crc32qi(crc, *at++);
    return ~crc;
}

#elif defined(__aarch64__)

static bool has_instruction(void)
{
    return getauxval(AT_HWCAP) & HWCAP_CRC32;
}

__attribute__((target("+crc"))) static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *at,
                                                                size_t length)
{
    crc = ~crc;
    for (; length >= 8; length -= 8, at += 8)
        crc = __crc32cd(crc, load_eight(at));
    while (length--)
        crc = __crc32cb(crc, *at++);
    return ~crc;
}

#else

static bool has_instruction(void)
{
    return false;
}

#define crc32c_hardware crc32c_portable

#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
    return has_instruction() ? crc32c_hardware(crc, bytes, length)
                             : crc32c_portable(crc, bytes, length);
}
