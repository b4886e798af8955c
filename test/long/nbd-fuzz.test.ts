/** The random NBD clients of `test/fuzz`, a million of them. */
process.env['HUPO_FUZZ'] ??= '1000000';
await import('../fuzz/nbd.test.ts');
