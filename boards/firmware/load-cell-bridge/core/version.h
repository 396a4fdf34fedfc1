#ifndef CARTWRIGHT_VERSION_H
#define CARTWRIGHT_VERSION_H

enum { PROTOCOL_VERSION = 1, FIRMATA_MAJOR = 2, FIRMATA_MINOR = 7 };

#define VERSION_MAJOR 1
#define VERSION_MINOR 0
#define VERSION_PATCH 0
#define FIRMWARE_NAME "CartwrightLoadCells"

#define TEXT(number) #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)
/** Name and version as scripts/flash-firmware finds them in a hex file: a zero byte lies between and after. */
#define FIRMWARE_LABEL FIRMWARE_NAME "\0" DOTTED(VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH)

#endif
