# Objects that a fresh cluster offers: storage, and nodes without a kubelet.
# Source it after node.sh.
# shellcheck shell=bash

# Two volumes of class avouch-local, kept in the cluster's folder, which all nodes see.
create_storage() {
  local name
  for name in avouch-local-1 avouch-local-2; do
    mkdir -p "$STATE/volumes/$name"
    chmod 0777 "$STATE/volumes/$name"
    cat <<END
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $name}
spec:
  storageClassName: avouch-local
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: "$STATE/volumes/$name", type: Directory}
END
  done | kube apply --filename - --filename <(
    cat <<'END'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: avouch-local}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
END
  ) >>"$LOGS/objects.log"
}

# create_extra_nodes COUNT: Node objects that say they are Ready. Pods can be
# bound to them but never run.
create_extra_nodes() {
  local count=$1
  ((count > 0)) || return 0
  python3 "$HACK_DIR/lib/extra_nodes.py" --api "$API_URL" --ca "$PKI/ca.crt" \
    --cert "$PKI/admin.crt" --key "$PKI/admin.key" --count "$count" >>"$LOGS/objects.log"
}
