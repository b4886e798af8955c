/**
 * Resource groups: every resource is in one. There is no service here that keeps them, so a group comes into being by being
 * named; only the form of its id is checked.
 */

/** Where a resource is that nobody put elsewhere. Public images are in no group: theirs is blank. */
export const DEFAULT_RESOURCE_GROUP_ID = 'rg-default0000000000';

/** What is wrong with the id of a group, for people, or null. */
export function findResourceGroupProblem(resourceGroupId: string): string | null {
  return /^rg-[0-9a-z]{1,61}$/.test(resourceGroupId)
    ? null
    : 'the id of a resource group is "rg-" and up to 61 small letters and digits';
}
