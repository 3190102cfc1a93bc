//! Load balancers in front of the functions of a manifest, as Terraform and as a ROS template.

mod plan;
mod ros;
mod terraform;
#[cfg(test)]
mod tests;

use super::package::File;
use crate::model::{Domain, Function};
use plan::Plan;

/// The files of a load balancer in front of these functions: `main.tf` and `ros.yaml`.
pub(crate) fn balancer(project: &str, functions: &[Function], domains: &[Domain]) -> Vec<File> {
    let plan = Plan::new(project, functions, domains);
    vec![
        File { path: "main.tf".to_owned(), text: terraform::text(&plan) },
        File { path: "ros.yaml".to_owned(), text: ros::text(&plan) },
    ]
}
