/** The kernel's boot id: tells a process crash (page cache kept) from a power cut or reboot (page cache lost). */
import fs from 'node:fs';

/** 36 characters, constant from boot to reboot. Source: Linux, `proc(5)`, /proc/sys/kernel/random/boot_id. */
export function readBootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
