/* What the bridge tells about itself: identity and status. */
#ifndef CARTWRIGHT_REPORT_H
#define CARTWRIGHT_REPORT_H

#include <stdint.h>

void report_reset(uint32_t now);
/** Lets the uptime run; to be called at least once an hour, which the loop far exceeds. */
void report_step(uint32_t now);
void report_status(void);
void report_identity(void);

#endif
