#!/bin/sh
# Compares `drover pack render` with nomad-pack on the same pack of Go templates and its twin in Tera, in one run, and renders
# a large pack (200 templates, 10 dependencies).
#
#     packs/benches/against-nomad-pack.sh target/release/drover /path/to/nomad-pack [rounds]
set -eu
drover=$1
reference=$2
rounds=${3:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

job() {
    cat <<JOB
job $(value name) {
  datacenters = $(value datacenters)
  type        = "service"
  group "web" {
    count = $(value count)
    network {
      port "http" {}
    }
    task "web" {
      driver = "docker"
      config {
        image = $(value image)
        ports = ["http"]
      }
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
JOB
}

variables() {
    cat <<VARIABLES
variable "name" {
  type    = string
  default = "web"
}
variable "image" {
  type    = string
  default = "nginx:1.27.3"
}
variable "count" {
  type    = number
  default = 3
}
variable "datacenters" {
  type    = list(string)
  default = ["dc1", "dc2"]
}
VARIABLES
}

metadata() {
    printf 'app {\n  url = ""\n}\npack {\n  name    = "%s"\n  version = "1.0.0"\n}\n' "$1"
}

mkdir -p "$work/go/templates" "$work/tera/templates" "$work/large/templates"
for pack in go tera large; do
    metadata "$pack" > "$work/$pack/metadata.hcl"
    variables > "$work/$pack/variables.hcl"
done
value() { if [ "$1" = datacenters ]; then echo '[[ var "datacenters" . | toStringList ]]'; elif [ "$1" = count ]; then echo '[[ var "count" . ]]'; else echo "[[ var \"$1\" . | quote ]]"; fi; }
job > "$work/go/templates/web.nomad.tpl"
value() { echo "{{ $1 | to_hcl }}"; }
job > "$work/tera/templates/web.nomad.hcl.tera"
# Twenty templates in the pack, and eighteen in each of ten packs that it depends on.
fill() {
    mkdir -p "$1/templates"
    for each in $(seq 1 "$2"); do
        job | sed "s/{{ name | to_hcl }}/{{ (name ~ \"-$3-$each\") | to_hcl }}/" > "$1/templates/t$each.nomad.hcl.tera"
    done
}
fill "$work/large" 20 root
for number in $(seq 1 10); do
    folder="$work/large/deps/d$number"
    fill "$folder" 18 "d$number"
    metadata "d$number" > "$folder/metadata.hcl"
    variables > "$folder/variables.hcl"
    printf 'dependency "d%s" {\n  source = "./deps/d%s"\n}\n' "$number" "$number" >> "$work/large/metadata.hcl"
done

# Microseconds of one run: the best of five times so many rounds, so that others who use the machine count least.
measure() {
    "$@" > "$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
    for _ in 1 2 3 4 5; do
        begin=$(date +%s%N)
        for _ in $(seq 1 "$rounds"); do
            "$@" > "$work/out" 2>&1
        done
        end=$(date +%s%N)
        echo $(((end - begin) / 1000 / rounds))
    done | sort -n | head -n 1
}

theirs=$(measure "$reference" render "$work/go")
go=$(measure "$drover" pack render "$work/go")
tera=$(measure "$drover" pack render "$work/tera")
large=$(measure "$drover" pack render "$work/large")
templates=$(find "$work/large" -name '*.tera' | wc -l)
nothing=$(measure /bin/true)
echo "a process that does nothing:              $nothing us"
echo "nomad-pack render, Go templates:          $theirs us"
echo "drover pack render, the same pack:        $go us  ($((theirs / go))x)"
echo "drover pack render, its twin in Tera:     $tera us  ($((theirs / tera))x)"
echo "drover pack render, $templates templates, 10 deps: $large us"
