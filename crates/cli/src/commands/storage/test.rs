use std::time::Instant;

use http::Method;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use super::presign::Presigned;
use super::service::{File, Service};
use super::upload::put;
use crate::{Error, Outcome};

/// Upload, download and delete a small file, and say how it went
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage test\n  nself storage test --bucket reports\n  nself storage test --json"
)]
pub struct Args {
    /// The bucket to try
    #[arg(short, long, default_value = "default")]
    bucket: String,
}

#[derive(Debug, Serialize)]
struct TestReport {
    bucket: String,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    /// Milliseconds.
    took: u128,
}

impl View for TestReport {
    fn text(&self, page: &mut Page) {
        for step in &self.steps {
            page.line(format!("{}  {} ms", step.name, step.took));
        }
        page.styled(Style::Good, format!("The bucket {} works.", self.bucket));
    }
}

pub fn run(service: &Service, args: Args) -> Outcome {
    let mut steps = Vec::new();
    let file = service.block_on(try_all(service, &args.bucket, &mut steps))?;
    step(&mut steps, "delete", Instant::now(), service.block_on(remove(service, &file)))?;
    Ok(Box::new(TestReport { bucket: args.bucket, steps }))
}

/// What is made here is removed by the caller, or here when a step fails.
async fn try_all(service: &Service, bucket: &str, steps: &mut Vec<Step>) -> Result<File, Failure> {
    let content = format!("nself storage test {}\n", uuid::Uuid::new_v4());
    let name = "nself-storage-test.txt";
    let begun = Instant::now();
    let sent = put(service, bucket, name, content.len() as u64, content.clone().into()).await;
    let file = step(steps, "upload", begun, sent)?;
    let read = async {
        let begun = Instant::now();
        step(steps, "download", begun, download(service, &file, &content).await)?;
        let begun = Instant::now();
        step(steps, "link", begun, link(service, &file, &content).await)
    };
    if let Err(failure) = read.await {
        // The first failure is the one to tell.
        let _ = remove(service, &file).await;
        return Err(failure);
    }
    Ok(file)
}

fn step<T>(steps: &mut Vec<Step>, name: &'static str, begun: Instant, done: Result<T, Failure>) -> Result<T, Failure> {
    let done = done?;
    steps.push(Step { name, took: begun.elapsed().as_millis() });
    Ok(done)
}

async fn download(service: &Service, file: &File, content: &str) -> Result<(), Failure> {
    let response = service.send(service.request(Method::GET, &format!("/files/{}", file.id))?).await?;
    same(&response.text().await.map_err(|error| service.broken(&error))?, content)
}

/// A presigned URL, where the bucket has them.
async fn link(service: &Service, file: &File, content: &str) -> Result<(), Failure> {
    let request = service.request(Method::GET, &format!("/files/{}/presignedurl", file.id))?;
    let presigned: Presigned = match service.json(request).await {
        Ok(presigned) => presigned,
        Err(failure) if failure.message.contains("not enabled") => return Ok(()),
        Err(failure) => return Err(failure),
    };
    // By the address that this command uses: whether clients reach the public one is not this machine's business.
    let path = presigned.url.split_once("/files/").map(|(_, path)| path).unwrap_or_default();
    let request = service.request(Method::GET, &format!("/files/{path}"))?;
    let response = service.send(request).await?;
    same(&response.text().await.map_err(|error| service.broken(&error))?, content)
}

async fn remove(service: &Service, file: &File) -> Result<(), Failure> {
    service.send(service.request(Method::DELETE, &format!("/files/{}", file.id))?).await.map(drop)
}

fn same(found: &str, expected: &str) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let message = "what came back is not what went in".to_owned();
    Err(Error::StorageRefused { message, status: 200 }.into())
}
