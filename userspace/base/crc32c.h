/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), the checksum of iSCSI and ext4: by the CPU's own instruction where it has
 * one. Finds accidents, not intent. */
#ifndef EDGEMETER_BASE_CRC32C_H
#define EDGEMETER_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, the sum of what came before; 0 at first. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
/* The same without the instruction. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif
