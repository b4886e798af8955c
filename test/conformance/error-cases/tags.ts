/** Errors of the actions on tags. */
import { EMPTY_IMAGE_ID } from '../../../src/control/empty-image.ts';
import { elsewhere, manyTags, numbered, type ErrorCase, type ErrorCases } from './case.ts';

const tooManyResources = numbered('ResourceId', 51, (at) => ({ [at]: `d-${at}` }));

const resources: Record<string, ErrorCase> = {
  'InvalidRegionId.NotFound': elsewhere,
  'InvalidResourceType.NotFound': { ResourceType: 'cake' },
};

/** The public image belongs to nobody. */
const ofNobody: ErrorCase = { ResourceType: 'image', 'ResourceId.1': EMPTY_IMAGE_ID };

const oldResources: Record<string, ErrorCase> = {
  ...resources,
  'InvalidResourceId.NotFound': { ResourceId: 'd-none' },
  'InvalidResourceId.NotSupported': { ResourceType: 'image', ResourceId: EMPTY_IMAGE_ID },
};

export const tagCases: ErrorCases = {
  JoinResourceGroup: {
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
    'InvalidResourceId.NotFound': { ResourceId: 'd-none' },
    'InvalidResourceType.NotFound': { ResourceType: 'moon' },
    MissingParameter: { ResourceId: '' },
  },
  TagResources: {
    ...resources,
    'Duplicate.TagKey': { 'Tag.2.Key': 'a', 'Tag.3.Key': 'a' },
    'InvalidResourceId.NotFound': { 'ResourceId.1': 'd-none' },
    'InvalidResourceId.NotSupported': ofNobody,
    'InvalidTagKey.Malformed': { 'Tag.1.Key': 'acs:a' },
    'InvalidTagValue.Malformed': { 'Tag.1.Value': 'acs:a' },
    'MissingParameter.ResourceIds': { 'ResourceId.1': '' },
    'MissingParameter.ResourceType': { ResourceType: '' },
    'MissingParameter.Tags': { 'Tag.1.Key': '', 'Tag.1.Value': '' },
    'NumberExceed.ResourceIds': tooManyResources,
    'NumberExceed.Tags': manyTags,
    'TagKey.Duplication': { 'Tag.2.Key': 'Team', 'Tag.3.Key': 'team' },
  },
  UntagResources: {
    ...resources,
    'InvalidResourceId.NotFound': { 'ResourceId.1': 'd-none' },
    'InvalidResourceId.NotSupported': ofNobody,
    'Duplicate.TagKey': { 'TagKey.1': 'a', 'TagKey.2': 'a' },
    'InvalidTagKey.Malformed': { 'TagKey.1': 'acs:a' },
    'MissingParameter.ResourceType': { ResourceType: '' },
    'NumberExceed.ResourceIds': tooManyResources,
    'NumberExceed.Tags': numbered('TagKey', 21, (at) => ({ [at]: at })),
    'MissingParameter.Tags': { 'TagKey.1': '' },
  },
  ListTagResources: {
    ...resources,
    'Duplicate.TagKey': { 'Tag.1.Key': 'a', 'Tag.2.Key': 'a' },
    'InvalidTagKey.Malformed': { 'Tag.1.Key': 'http://a' },
    'InvalidTagValue.Malformed': { 'Tag.1.Value': 'http://a' },
    'MissingParameter.ResourceType': { ResourceType: '' },
    'NumberExceed.ResourceIds': tooManyResources,
    'NumberExceed.Tags': manyTags,
    'MissingParameter.Tags': { 'Tag.1.Key': '' },
  },
  AddTags: {
    ...oldResources,
    'Duplicate.TagKey': { 'Tag.2.Key': 'a', 'Tag.3.Key': 'a' },
    'InvalidTagKey.Malformed': { 'Tag.1.Key': 'acs:a' },
    'InvalidTagValue.Malformed': { 'Tag.1.Value': 'acs:a' },
    InvalidTagCount: manyTags,
  },
  RemoveTags: {
    ...oldResources,
    InvalidTagCount: manyTags,
    'InvalidTagKey.Malformed': { 'Tag.1.Key': 'acs:a' },
  },
  DescribeTags: {
    ...resources,
    InvalidTagCount: manyTags,
    'InvalidTagKey.Malformed': { 'Tag.1.Key': 'acs:a' },
    'InvalidTagValue.Malformed': { 'Tag.1.Key': 'a', 'Tag.1.Value': 'http://a' },
  },
};
