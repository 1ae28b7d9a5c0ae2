import { CfnDeletionPolicy, type CfnResource } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

/** Some 8 million orders: one takes some 150 bytes in the log of each of three replicas. It can be enlarged in place. */
const sizeGiB = 4

export interface DataVolumeProps {
  instance: ec2.CfnInstance
  /** The volume of an earlier stack, or null to make one. */
  existing: Settings['dataVolume']
}

/** The orders, on a volume of their own: it outlives the machine and the stack. */
export class DataVolume extends Construct {
  readonly id: string
  readonly attachment: ec2.CfnVolumeAttachment

  constructor(scope: Construct, id: string, { instance, existing }: DataVolumeProps) {
    super(scope, id)
    this.id = existing?.id ?? this.#create(instance).ref
    this.attachment = new ec2.CfnVolumeAttachment(this, 'Attachment', {
      instanceId: instance.ref,
      volumeId: this.id,
      device: '/dev/sdf',
    })
    // Detaching a mounted volume hangs. Left alone it is let go when the machine ends, after a clean shutdown.
    retain(this.attachment)
  }

  #create(instance: ec2.CfnInstance): ec2.CfnVolume {
    const volume = new ec2.CfnVolume(this, 'Volume', {
      availabilityZone: instance.attrAvailabilityZone,
      size: sizeGiB,
      volumeType: 'gp3',
      encrypted: true,
    })
    retain(volume)
    return volume
  }
}

function retain(resource: CfnResource): void {
  resource.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN
}
