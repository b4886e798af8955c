/** The random requests of `test/clients`, a million of them: of root, of a limited user, and broken ones. */
process.env['HUPO_FUZZ'] ??= '400000';
await import('../clients/ecs-fuzz.test.ts');
