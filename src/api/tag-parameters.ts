/** What the actions on tags have in common (`ecs-api.md` 2.6): the kinds of resources, their ids, and filters. */
import type { TagFilter, TagPattern } from '../ecs/list-filters.ts';
import { TAG_LIMIT, findAnyTagKeyProblem, findTagKeyProblem } from '../ecs/names.ts';
import type { Tag, TaggedType } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import { tagFilters } from './filters.ts';
import { groups, invalidParameter, oneOf, repeated, text, type Parameter } from './parameters.ts';
import { tagKey, tagValue, tags } from './resource-parameters.ts';

const MOST_IDS = 50;
const MOST_PATTERNS = 5;

export const taggedTypes: readonly TaggedType[] = [
  ...(['instance', 'disk', 'snapshot', 'image', 'snapshotgroup', 'snapshotpolicy'] as const),
];

/** Documented, but there is nothing of the kind here. */
const typesWithoutResources = [
  'securitygroup',
  'volume',
  'eni',
  'ddh',
  'ddhcluster',
  'keypair',
  'launchtemplate',
  'reservedinstance',
  'elasticityassurance',
  'capacityreservation',
  'command',
  'invocation',
  'activation',
  'managedinstance',
] as const;

export type ResourceType = TaggedType | (typeof typesWithoutResources)[number];

export function resourceType(): Parameter<ResourceType | null> {
  return oneOf([...taggedTypes, ...typesWithoutResources], 'InvalidResourceType.NotFound');
}

/** The type as it is here, or null when there are no resources of the type. */
export function findTaggedType(type: ResourceType): TaggedType | null {
  return taggedTypes.find((known) => known === type) ?? null;
}

/** Throws `InvalidResourceId.NotFound` when there are no resources of the type. */
export function getTaggedType(type: ResourceType, [resourceId = '']: readonly string[]): TaggedType {
  const found = findTaggedType(type);
  if (found !== null) return found;
  const shown = JSON.stringify(resourceId.slice(0, 64));
  throw new RequestError(
    'InvalidResourceId.NotFound',
    `There is no ${type} ${shown}: this service has no ${type} yet.`,
  );
}

/** `ResourceId.1` … `ResourceId.50`; empty when absent. */
export function resourceIds(): Parameter<string[]> {
  return repeated(MOST_IDS, 'NumberExceed.ResourceIds');
}

/** The list must not be empty; `what` is told as missing. */
export function atLeastOneOf<T>(list: Parameter<T[]>, what: string, code: string): Parameter<T[]> {
  return {
    ...list,
    read: (set, name) => {
      const found = list.read(set, name);
      if (found.length > 0) return found;
      throw new RequestError(
        code,
        `The input parameter "${what}" that is mandatory for processing this request is not supplied.`,
      );
    },
  };
}

/** `Tag.1` … `Tag.20` to put on resources. */
export function tagsToPut(codes: { tooMany: string; missing: string }): Parameter<Tag[]> {
  return atLeastOneOf(tags(codes.tooMany), 'Tag.N', codes.missing);
}

/** `TagKey.1` … `TagKey.20`, each with any value; empty when absent. */
export function tagKeys(): Parameter<TagFilter[]> {
  const list = repeated(TAG_LIMIT, 'NumberExceed.Tags');
  return {
    ...list,
    read: (set, name) => {
      const found = list.read(set, name).map((key) => ({ key, value: null }));
      for (const { key } of found) {
        const problem = findTagKeyProblem(key);
        if (problem !== null) throw invalidParameter('InvalidTagKey.Malformed', `${name}.N`, key, problem);
      }
      checkKeysDiffer(found);
      return found;
    },
  };
}

/** `Tag.N` of the old RemoveTags: those to remove, each with its value or with any. */
export function tagsToRemove(): Parameter<TagFilter[]> {
  return atLeastOneOf(tagFilters({ key: tagKey, withoutKey: 'InvalidTagKey.Malformed' }), 'Tag.N', 'InvalidTagCount');
}

/** `Tag.N` as the old DescribeTags filters by it. */
export function describedTags(): Parameter<TagFilter[]> {
  return tagFilters({ key: tagKey, value: tagValue, withoutKey: 'InvalidTagKey.Malformed' });
}

/** Those of the system can be listed too, though nothing here has any. */
const anyTagKey = text('InvalidTagKey.Malformed', findAnyTagKeyProblem);

/** `Tag.N` as ListTagResources filters by it. */
export function listedTags(): Parameter<TagFilter[]> {
  const codes = { tooMany: 'NumberExceed.Tags', withoutKey: 'InvalidParameter.TagValue' };
  const list = tagFilters({ key: anyTagKey, value: tagValue, ...codes });
  return {
    ...list,
    read: (set, name) => {
      const found = list.read(set, name);
      checkKeysDiffer(found);
      return found;
    },
  };
}

/** In different case they are different keys. */
function checkKeysDiffer(filters: readonly TagFilter[]): void {
  const keys = filters.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice === undefined) return;
  throw new RequestError('Duplicate.TagKey', `The tag key ${JSON.stringify(twice)} is given twice; keys must differ.`);
}

/** `TagFilter.N.TagKey`, `TagFilter.N.TagValues.N`, in which `*` matches any run of characters. */
export function tagPatterns(): Parameter<TagPattern[]> {
  const code = 'NumberExceed.Tags';
  const list = groups({ TagKey: anyTagKey, TagValues: repeated(MOST_PATTERNS, code) }, { most: MOST_PATTERNS, code });
  return {
    ...list,
    read: (set, name) =>
      list.read(set, name).flatMap(({ TagKey: key, TagValues: values, name: item }) => {
        if (key !== null) return [{ key, values }];
        if (values.length === 0) return [];
        throw new RequestError(
          'InvalidParameter.TagValue',
          `The parameter "${item}" has TagValues without a TagKey; give both, or the TagKey alone.`,
        );
      }),
  };
}
