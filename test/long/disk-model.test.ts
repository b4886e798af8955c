/** The disks of `test/model` against byte arrays, three thousand runs. */
process.env['HUPO_RUNS'] ??= '3000';
await import('../model/disk-model.test.ts');
