/** The kill test of `test/e2e`, two hundred rounds long. */
process.env['HUPO_ROUNDS'] ??= '200';
await import('../e2e/kills.test.ts');
