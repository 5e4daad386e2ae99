//! Reading jobs: a small one and one of 500 groups, step by step. `cargo bench -p drover-jobspec`.

#![expect(missing_docs, clippy::expect_used, reason = "a bench")]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use drover_hcl::{Source, format, parse_body};
use drover_jobspec::{Options, parse, parse_submission};
use drover_wire::admission::{admit, review};
use drover_wire::job::{Canonical, to_json_text};

/// A job with that many groups, each with variables, a template, a check and a `dynamic` block.
fn job(groups: usize) -> String {
    let mut text = String::from(
        "variable \"image\" {\n  type    = string\n  default = \"nginx:1.27\"\n}\n\nlocals {\n  tags = [\"a\", \"b\"]\n}\n\n\
         job \"bench\" {\n  datacenters = [\"dc1\"]\n",
    );
    for group in 0..groups {
        let _infallible = write!(
            text,
            "  group \"web-{group}\" {{\n    count = {count}\n    network {{\n      port \"http\" {{ to = 80 }}\n    }}\n    \
             service {{\n      name     = \"web-{group}\"\n      port     = \"http\"\n      provider = \"nomad\"\n      tags     \
             = [for tag in local.tags : \"${{tag}}-{group}\"]\n      check {{\n        type     = \"http\"\n        path     = \
             \"/health\"\n        interval = \"10s\"\n        timeout  = \"2s\"\n      }}\n    }}\n    task \"server\" {{\n      \
             driver = \"docker\"\n      config {{\n        image = var.image\n        ports = [\"http\"]\n      }}\n      dynamic \
             \"template\" {{\n        for_each = [\"one\", \"two\"]\n        content {{\n          destination = \
             \"local/${{template.value}}.conf\"\n          data        = <<-EOT\n            port = ${{NOMAD_PORT_http}}\n            \
             name = ${{upper(template.value)}}\n          EOT\n        }}\n      }}\n      env {{\n        GROUP = \"{group}\"\n      \
             }}\n      resources {{\n        cpu    = 100\n        memory = 128\n      }}\n    }}\n  }}\n",
            count = group % 5 + 1,
        );
    }
    text.push_str("}\n");
    text
}

fn jobs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jobs");
    group.sample_size(20);
    for groups in [1, 500] {
        let source = Source::new("bench.nomad.hcl", job(groups));
        let read = || parse(&source, &Options::default()).expect("the job is valid");
        let submitted = read();
        let json = to_json_text(&submitted);
        let name = |step: &str| BenchmarkId::new(step.to_owned(), groups);
        group.bench_function(name("syntax"), |bench| bench.iter(|| parse_body(black_box(&source)).expect("it parses")));
        group.bench_function(name("read"), |bench| bench.iter(|| black_box(read())));
        group.bench_function(name("read_json"), |bench| {
            bench.iter(|| parse_submission(black_box(&json)).expect("it is the job's own JSON"));
        });
        group.bench_function(name("canonicalize"), |bench| {
            bench.iter_batched(|| submitted.clone(), |mut job| job.canonicalize(), criterion::BatchSize::LargeInput);
        });
        group.bench_function(name("review"), |bench| {
            bench.iter_batched(|| submitted.clone(), review, criterion::BatchSize::LargeInput);
        });
        group.bench_function(name("admit"), |bench| {
            bench.iter_batched(|| submitted.clone(), admit, criterion::BatchSize::LargeInput);
        });
        group.bench_function(name("write_json"), |bench| bench.iter(|| to_json_text(black_box(&submitted))));
        group.bench_function(name("format"), |bench| bench.iter(|| format(black_box(&source)).expect("it parses")));
    }
    group.finish();
}

criterion_group!(benches, jobs);
criterion_main!(benches);
