/** The power cuts of `test/crash`, with a thousand seeds (about three quarters of an hour). */
process.env['HUPO_SEEDS'] ??= '1000';
await import('../crash/power-cut-disk.test.ts');
