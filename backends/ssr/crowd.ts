/**
 * Nodes at about the same distance on the ring: how many there are, and of
 * those that may be forgotten two lists, each by when they last came up. What
 * packets were sent by is in the one, what was only overheard in the other, and
 * goes first: a node that forwards much would forget its own ways otherwise
 * (segmented LRU). Links of the lists are their members' own.
 */

/** A member of one crowd at most. */
export interface CrowdMember<Self> {
  /** In neither list: it must stay. */
  isIdle: boolean
  isUsed: boolean
  /** Grows with each time that any has come up. */
  stamp: number
  older: Self | undefined
  newer: Self | undefined
}

/** See the head of this file. */
export class Crowd<Member extends CrowdMember<Member>> {
  /** All of them, those that must stay included. */
  size = 0
  readonly #overheard = new Queue<Member>()
  readonly #used = new Queue<Member>()

  /** Whether it may be forgotten is another thing now. */
  mark(member: Member, isIdle: boolean): void {
    if (member.isIdle === isIdle) return
    member.isIdle = isIdle
    if (isIdle) this.#queueOf(member).append(member)
    else this.#queueOf(member).detach(member)
  }

  /** It has come up again. */
  touch(member: Member, stamp: number): void {
    member.stamp = stamp
    if (!member.isIdle) return
    const queue = this.#queueOf(member)
    if (member === queue.newest) return
    queue.detach(member)
    queue.append(member)
  }

  /** A packet goes its way. Of those of which that is so, the one that was not used for longest makes room where they are too many. */
  use(member: Member, stamp: number): void {
    if (member.isUsed) return this.touch(member, stamp)
    member.stamp = stamp
    if (member.isIdle) this.#overheard.detach(member)
    member.isUsed = true
    if (member.isIdle) this.#used.append(member)
    const { oldest } = this.#used
    if (oldest === undefined || this.#used.size <= this.size / 2) return
    this.#used.detach(oldest)
    oldest.isUsed = false
    this.#overheard.append(oldest)
  }

  /** The least useful of those that may be forgotten. */
  get least(): Member | undefined {
    return this.#overheard.oldest ?? this.#used.oldest
  }

  #queueOf(member: Member): Queue<Member> {
    return member.isUsed ? this.#used : this.#overheard
  }
}

class Queue<Member extends CrowdMember<Member>> {
  size = 0
  oldest: Member | undefined
  newest: Member | undefined

  append(member: Member): void {
    this.size++
    member.older = this.newest
    member.newer = undefined
    if (this.newest === undefined) this.oldest = member
    else this.newest.newer = member
    this.newest = member
  }

  detach(member: Member): void {
    this.size--
    if (member.older === undefined) this.oldest = member.newer
    else member.older.newer = member.newer
    if (member.newer === undefined) this.newest = member.older
    else member.newer.older = member.older
  }
}
