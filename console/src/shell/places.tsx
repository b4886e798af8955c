/** Every page of the console: its address, where the menu has it, and how it is loaded, which is when it is gone to. */
import { lazy } from 'react';
import type { ComponentType, ReactNode } from 'react';
import {
  AppstoreOutlined,
  AuditOutlined,
  BarChartOutlined,
  CameraOutlined,
  ClockCircleOutlined,
  CloudServerOutlined,
  DashboardOutlined,
  DeleteOutlined,
  GroupOutlined,
  HddOutlined,
  NotificationOutlined,
  ProfileOutlined,
  TagsOutlined,
  TeamOutlined,
} from '@ant-design/icons';
import type { Words } from '../words/en.ts';

interface Place {
  /** `:id` is handed to the page. */
  path: string;
  page: ComponentType<{ id: string }>;
  /** Without it the page is gone to from another one. */
  menu?: { label: keyof Words['menu']; icon: ReactNode; group?: MenuGroup };
}

export type MenuGroup = (typeof MENU_GROUPS)[number];

/** In the menu's order, below the places without a group. */
export const MENU_GROUPS = ['storage', 'observe', 'access'] as const;

export const places: readonly Place[] = [
  {
    path: '/',
    page: lazy(async () => ({ default: (await import('../pages/overview.tsx')).OverviewPage })),
    menu: { label: 'overview', icon: <DashboardOutlined /> },
  },
  {
    path: '/instances',
    page: lazy(async () => ({ default: (await import('../pages/instances.tsx')).InstancesPage })),
    menu: { label: 'instances', icon: <CloudServerOutlined /> },
  },
  {
    path: '/instances/:id',
    page: lazy(async () => ({ default: (await import('../pages/instance.tsx')).InstancePage })),
  },
  {
    path: '/disks',
    page: lazy(async () => ({ default: (await import('../pages/disks.tsx')).DisksPage })),
    menu: { label: 'disks', icon: <HddOutlined />, group: 'storage' },
  },
  { path: '/disks/:id', page: lazy(async () => ({ default: (await import('../pages/disk.tsx')).DiskPage })) },
  {
    path: '/snapshots',
    page: lazy(async () => ({ default: (await import('../pages/snapshots.tsx')).SnapshotsPage })),
    menu: { label: 'snapshots', icon: <CameraOutlined />, group: 'storage' },
  },
  {
    path: '/policies',
    page: lazy(async () => ({ default: (await import('../pages/policies.tsx')).PoliciesPage })),
    menu: { label: 'policies', icon: <ClockCircleOutlined />, group: 'storage' },
  },
  {
    path: '/policies/:id',
    page: lazy(async () => ({ default: (await import('../pages/policy.tsx')).PolicyPage })),
  },
  {
    path: '/groups',
    page: lazy(async () => ({ default: (await import('../pages/groups.tsx')).GroupsPage })),
    menu: { label: 'groups', icon: <GroupOutlined />, group: 'storage' },
  },
  {
    path: '/images',
    page: lazy(async () => ({ default: (await import('../pages/images.tsx')).ImagesPage })),
    menu: { label: 'images', icon: <AppstoreOutlined />, group: 'storage' },
  },
  {
    path: '/recycle-bin',
    page: lazy(async () => ({ default: (await import('../pages/recycle-bin.tsx')).RecycleBinPage })),
    menu: { label: 'recycleBin', icon: <DeleteOutlined />, group: 'storage' },
  },
  {
    path: '/tasks',
    page: lazy(async () => ({ default: (await import('../pages/tasks.tsx')).TasksPage })),
    menu: { label: 'tasks', icon: <ProfileOutlined />, group: 'observe' },
  },
  {
    path: '/events',
    page: lazy(async () => ({ default: (await import('../pages/events.tsx')).EventsPage })),
    menu: { label: 'events', icon: <NotificationOutlined />, group: 'observe' },
  },
  {
    path: '/tags',
    page: lazy(async () => ({ default: (await import('../pages/tags.tsx')).TagsPage })),
    menu: { label: 'tags', icon: <TagsOutlined />, group: 'observe' },
  },
  {
    path: '/usage',
    page: lazy(async () => ({ default: (await import('../pages/usage.tsx')).UsagePage })),
    menu: { label: 'usage', icon: <BarChartOutlined />, group: 'observe' },
  },
  {
    path: '/users',
    page: lazy(async () => ({ default: (await import('../pages/users.tsx')).UsersPage })),
    menu: { label: 'users', icon: <TeamOutlined />, group: 'access' },
  },
  { path: '/users/:id', page: lazy(async () => ({ default: (await import('../pages/user.tsx')).UserPage })) },
  {
    path: '/audit',
    page: lazy(async () => ({ default: (await import('../pages/audit.tsx')).AuditPage })),
    menu: { label: 'audit', icon: <AuditOutlined />, group: 'access' },
  },
];
