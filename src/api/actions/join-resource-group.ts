/** JoinResourceGroup: puts a resource into a resource group, out of the one that it is in. */
import { findResourceGroupProblem } from '../../ecs/resource-groups.ts';
import { defineAction } from '../action.ts';
import { oneOf, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { getTaggedType, taggedTypes } from '../tag-parameters.ts';

/** Documented, but there is nothing of the kind here that could be in a group. */
const typesWithoutGroups = ['securitygroup', 'eni', 'ddh', 'ddhcluster', 'keypair', 'launchtemplate'] as const;

export const joinResourceGroup = defineAction({
  name: 'JoinResourceGroup',
  parameters: {
    ResourceType: required(oneOf([...taggedTypes, ...typesWithoutGroups], 'InvalidResourceType.NotFound')),
    ResourceId: required(text()),
    ResourceGroupId: required(text('InvalidResourceGroup.NotFound', findResourceGroupProblem)),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { ResourceType: type, ResourceId: resourceId, ResourceGroupId: resourceGroupId } = values;
    const request = { resourceType: getTaggedType(type, [resourceId]), resourceId, resourceGroupId };
    await control.joinResourceGroup(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
