/** The state machines of `test/model`, two thousand runs of requests. */
process.env['HUPO_RUNS'] ??= '2000';
await import('../model/control-model.test.ts');
