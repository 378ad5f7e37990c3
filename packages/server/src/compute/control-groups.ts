/**
 * Groups of processes that the kernel limits, measures and freezes together (Linux's control groups).
 *
 * A group has two levels: one per compute, whose limits its members divide, and below it one per
 * endpoint. There are three kinds of host: with cgroup v2, with v1, and without any that this process
 * may use, where nothing is limited.
 */
export interface ControlGroups {
  kind: 'cgroup v2' | 'cgroup v1' | 'none'
  /** Where they are, or why there are none and what to do about it; for people. */
  detail: string
  /** Makes the group of one compute. May be repeated. */
  compute(name: string): Promise<ControlGroup>
  /** Of all computes together; undefined limits nothing. */
  limitAll(limits: { memoryBytes: number | undefined }): Promise<void>
  /** Removes those in which nothing runs any more, as one that was killed leaves them. Never rejects. */
  sweep(): Promise<void>
}

export interface ControlGroup {
  /**
   * Puts limits in force. Answers false, with the former memory limit in force, where the members cannot
   * do with so little memory.
   */
  limit(limits: GroupLimits): Promise<boolean>
  /** What all members have used; undefined where the system does not tell. */
  usage(): GroupUsage | undefined
  /** Makes the group of an endpoint in it. May be repeated. */
  member(endpointId: string): Promise<MemberGroup>
  /** Removes it where it has no members any more. May be repeated. */
  remove(): Promise<void>
}

export interface MemberGroup {
  /** Moves a process into it; those that it starts from then on are in it too. Cheap, and not async. */
  enter(pid: number): void
  /** Stops all its processes where they are. Answers false, and leaves them running, where it cannot. */
  freeze(): Promise<boolean>
  /** Lets them go on. May be repeated. */
  thaw(): Promise<void>
  remove(): Promise<void>
}

export interface GroupLimits {
  /** Processors' worth of time. */
  cpus: number
  memoryBytes: number
  /** The part of the processors that it gets where all are wanted, against other computes. */
  weight: number
}

/** Sums since the group was made; the rest is as it is now. */
export interface GroupUsage {
  cpuMs: number
  /** Time for which its processes were kept from running by the limit. */
  throttledMs: number
  /** Memory that cannot be taken back: all that is not cache of files. */
  pinnedBytes: number
  /** Of files, read again soon after they had been dropped from the cache: what did not fit. */
  refaultedBytes: number
}

/** Where nothing can be limited; every call does nothing. */
export function noControlGroups(detail: string): ControlGroups {
  const member: MemberGroup = {
    enter: () => undefined,
    freeze: async () => false,
    thaw: async () => undefined,
    remove: async () => undefined,
  }
  return {
    kind: 'none',
    detail,
    compute: async () => ({
      limit: async () => true,
      usage: () => undefined,
      member: async () => member,
      remove: async () => undefined,
    }),
    limitAll: async () => undefined,
    sweep: async () => undefined,
  }
}
