/** F4: a hundred thousand schedules of the collectors beside everything else, about two hours. */
process.env['HUPO_SEEDS'] ??= '100000';
await import('../model/collector-schedule.test.ts');
