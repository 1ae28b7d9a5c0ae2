import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const hierarchy = '/sys/fs/cgroup'

/** A control group whose processes share so much memory and no swap. */
export class MemoryLimit {
  /** The group's folder: a process joins by its number in `cgroup.procs`. */
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Null where this system lets nobody make one. */
  static create(name: string, bytes: number): MemoryLimit | null {
    const isUnified = existsSync(join(hierarchy, 'cgroup.controllers'))
    const folder = join(hierarchy, isUnified ? name : `memory/${name}`)
    try {
      mkdirSync(folder)
      writeFileSync(join(folder, isUnified ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes))
    } catch {
      if (existsSync(folder)) rmdirSync(folder)
      return null
    }
    return new MemoryLimit(folder)
  }

  /** How often the kernel killed a process for want of memory. */
  kills(): number {
    const file = ['memory.events', 'memory.oom_control'].map(name => join(this.folder, name)).find(existsSync) as string
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1])
  }

  remove(): void {
    rmdirSync(this.folder)
  }
}
