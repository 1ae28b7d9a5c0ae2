import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './run.ts'

const author = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false']

/** A clone for a machine to clone from, of this checkout as it is: what is not committed yet counts as well. */
export class Repository {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  async create(): Promise<void> {
    await run('git', ['clone', '--quiet', '--no-checkout', root, this.folder])
    const here = ['--git-dir', join(this.folder, '.git'), '--work-tree', root]
    await run('git', [...here, 'add', '--all'], { cwd: root })
    await run('git', [...here, ...author, 'commit', '--quiet', '--allow-empty', '--message', 'test: this checkout'])
    await this.#git('reset', '--quiet', '--hard')
  }

  /** The commit it is at, in full. */
  async head(): Promise<string> {
    return (await this.#git('rev-parse', 'HEAD')).trim()
  }

  /** Commits the file with this at its end and returns the new commit. */
  async append(path: string, text: string): Promise<string> {
    const file = join(this.folder, path)
    writeFileSync(file, readFileSync(file, 'utf8') + text)
    await this.#git(...author, 'commit', '--quiet', '--all', '--message', `test: change ${path}`)
    return this.head()
  }

  #git(...words: string[]): Promise<string> {
    return run('git', ['-C', this.folder, ...words])
  }
}
