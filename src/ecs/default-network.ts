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
