/** F4: a hundred thousand schedules of the collectors beside everything else, about an hour on two cores. */
process.env['HUPO_SEEDS'] ??= '100000';
await import('../model/collector-schedule.test.ts');
