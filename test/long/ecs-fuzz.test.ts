/** The random requests of `test/clients`, a hundred thousand of them. */
process.env['HUPO_FUZZ'] ??= '100000';
await import('../clients/ecs-fuzz.test.ts');
