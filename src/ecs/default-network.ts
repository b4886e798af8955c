/**
 * The network that every instance is shown in: one VPC and one security group a region, one vSwitch a zone. There is no
 * other, so the ids are names and nothing is stored.
 */
import { regionCode } from './ids.ts';

export interface DefaultNetwork {
  vpcId: string;
  vSwitchId: string;
  securityGroupId: string;
}

/** Of the VPC and of each of its vSwitches: addresses are given out in order, whatever the zone. */
export const NETWORK_CIDR = '172.16.0.0/12';

/** The addresses in it that an instance may get: not the first one, and three that ECS keeps in each vSwitch. */
export const ADDRESS_COUNT = 2 ** 20 - 4;

export type Direction = 'ingress' | 'egress';

/** The security group: one rule for each direction, which lets everything through, as nothing is filtered here. */
export const DEFAULT_GROUP: { name: string; description: string; directions: readonly Direction[] } = {
  name: 'default',
  description: 'The group of every instance',
  directions: ['ingress', 'egress'],
};

/** The same for the same zone, always. `zoneId` is `<region>-<letter>`. */
export function defaultNetwork(regionId: string, zoneId: string): DefaultNetwork {
  const code = regionCode(regionId);
  const letter = zoneId.slice(-1);
  return {
    vpcId: `vpc-${code}default0000000000`,
    vSwitchId: `vsw-${code}default000000000${letter}`,
    securityGroupId: `sg-${code}default0000000000`,
  };
}
