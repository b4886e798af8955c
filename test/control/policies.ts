/** Policies in worlds whose clock leaps. */
import type { TestContext } from 'node:test';
import type { CreatePolicyRequest } from '../../src/control/policies/requests.ts';
import type { PolicyRunDisk } from '../../src/ecs/auto-snapshot-policy.ts';
import type { Snapshot } from '../../src/ecs/resources.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';
import { listNextSlots } from '../../src/ecs/schedule.ts';
import { LeapingClock } from './leaping-clock.ts';
import { World, allRows } from './world.ts';

export const everyDay = { hours: [2], weekdays: [1, 2, 3, 4, 5, 6, 7] };

export function policyRequest(change: Partial<CreatePolicyRequest> = {}): CreatePolicyRequest {
  return {
    ...{ policyName: '', schedule: everyDay, retentionDays: null, keepRules: null, catchesUp: true },
    ...{ targetTags: null, copies: false, copyRegionId: null, copiedRetentionDays: null },
    ...{ resourceGroupId: DEFAULT_RESOURCE_GROUP_ID, tags: [] },
    ...change,
  };
}

/** A world whose time the test lets leap, from run to run. */
export class PolicyWorld {
  readonly world: World;
  readonly clock: LeapingClock;

  private constructor(world: World, clock: LeapingClock) {
    this.world = world;
    this.clock = clock;
  }

  static async create(t: TestContext, regionId?: string, other?: PolicyWorld): Promise<PolicyWorld> {
    const clock = other?.clock ?? new LeapingClock(200);
    const world = await World.create(clock, regionId, other?.world.regions);
    t.after(() => world.end());
    return new PolicyWorld(world, clock);
  }

  static of(world: World): PolicyWorld {
    return new PolicyWorld(world, world.clock as LeapingClock);
  }

  /** A running instance whose data disk has the policy. */
  async protect(
    change: Partial<CreatePolicyRequest> = {},
  ): Promise<{ policyId: string; diskId: string; instanceId: string }> {
    const { policyId } = await this.world.control.policies.create(policyRequest(change));
    const { diskId, instanceId } = await this.world.runOne();
    await this.world.control.policies.apply({ policyId, diskIds: [diskId] });
    return { policyId, diskId, instanceId };
  }

  /** To the policy's next run, and until all that was begun is over; the slot. */
  async run(schedule = everyDay): Promise<number> {
    const [slotMs = 0] = listNextSlots(schedule, this.clock.nowMs(), 1);
    this.clock.leapTo(slotMs);
    await this.over(slotMs);
    return slotMs;
  }

  /** Until a run for the slot, or a later one, is over. */
  async over(slotMs: number): Promise<void> {
    await this.world.until('the run to be over', async () => {
      const runs = (await this.world.control.policies.listRuns({}, allRows)).items;
      return runs.some((run) => run.slotMs >= slotMs) && runs.every(({ disks }) => disks.every(isOver));
    });
  }

  async snapshots(diskId: string): Promise<Snapshot[]> {
    return (await this.world.control.listSnapshots({ diskId }, allRows)).items;
  }

  /** What became of the disk in each run, the latest first. */
  async runsOf(diskId: string): Promise<PolicyRunDisk[]> {
    const runs = (await this.world.control.policies.listRuns({}, allRows)).items;
    return runs.flatMap(({ disks }) => disks).filter((disk) => disk.diskId === diskId);
  }
}

function isOver({ state }: PolicyRunDisk): boolean {
  return ['done', 'skipped', 'failed'].includes(state);
}
