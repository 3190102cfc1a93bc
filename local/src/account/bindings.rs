//! The networks in the cloud that may call a function. They are kept, and have no effect here.

use serde_json::json;

use super::account::Account;
use super::answer::{Answer, Ask, required_text};
use super::described::Described;
use crate::failure::Failure;

impl Account {
    pub(super) fn list_vpcs(&self, ask: &Ask) -> Result<Answer, Failure> {
        Ok(Answer::Document(json!({ "vpcIds": self.described(&ask.function)?.vpcs })))
    }

    pub(super) async fn bind_vpc(&self, ask: &Ask) -> Result<Answer, Failure> {
        let id = required_text(&ask.fields()?, "vpcId")?;
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(&ask.function)?);
        if !described.vpcs.contains(&id) {
            described.vpcs.push(id);
            self.put(&ask.function, described).await?;
            let text =
                "its networks (VPC) exist only in the cloud: the binding is kept, and has no effect here";
            self.note(&ask.function, text.to_owned());
        }
        Ok(Answer::Done)
    }

    pub(super) async fn unbind_vpc(&self, ask: &Ask, id: &str) -> Result<Answer, Failure> {
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(&ask.function)?);
        let before = described.vpcs.len();
        described.vpcs.retain(|own| own != id);
        if described.vpcs.len() == before {
            return Err(Failure::invalid_argument(format!(
                "`{id}` is not bound to function '{}'",
                ask.function
            )));
        }
        self.put(&ask.function, described).await?;
        Ok(Answer::Done)
    }
}
