/** The kill test of `test/e2e`, a thousand kills long. */
process.env['HUPO_KILLS'] ??= '1000';
await import('../e2e/kills.test.ts');
