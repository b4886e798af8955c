/** The failing calls of `src/disk/disk-faults.test.ts`, every single one (about five minutes). */
process.env['HUPO_FAULT_STEP'] ??= '1';
await import('../../src/disk/disk-faults.test.ts');
